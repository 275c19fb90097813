"""What the API's document says of the API as a whole, the same in every installation."""

SPECTACULAR_SETTINGS = {
    "TITLE": "Comptoir",
    "DESCRIPTION": (
        "Stock, tills, carts, orders, payments and reports of a retail chain.\n\n"
        "Money is a string with two decimals, times are ISO 8601 in UTC, ids are UUIDs. Errors are"
        " `application/problem+json` (RFC 9457) with a stable `code`. A POST that moves stock or money takes an"
        " `Idempotency-Key`. What needs a login takes `Authorization: Bearer` with the access token of `/auth/login/`,"
        " or a machine's `X-API-Key`."
    ),
    "TAGS": [
        {"name": "people", "description": "Log in, and stay logged in."},
        {"name": "customers", "description": "Customers: their account, addresses and password."},
        {"name": "catalog", "description": "Products and categories."},
        {"name": "stores", "description": "The chain's stores."},
        {"name": "stock", "description": "What is where, and every move of it."},
        {"name": "sales", "description": "Sales and returns over the counter, and their receipts."},
        {"name": "tills", "description": "Tills from their opening to their count."},
        {"name": "reports", "description": "What the sales add up to."},
        {"name": "replenishment", "description": "What stores ask of the warehouse, and what becomes of it."},
        {"name": "cart", "description": "What somebody means to buy in the web shop."},
        {"name": "checkout", "description": "From the cart to an order."},
        {"name": "orders", "description": "What was ordered, and what becomes of it."},
        {"name": "payments", "description": "Cards, and what became of them."},
    ],
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.complete",
    ],
}
