"""The one OpenAPI document: drf-spectacular describes Django REST framework's part, and this adds django-ninja's."""

from typing import Any

from ninja.openapi.schema import OpenAPISchema

from config.api import api

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457), and the refusal's own fields beside these.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, to which thing, and what to do."},
        "code": {"type": "string", "description": "Stable, for programs."},
        "request_id": {"type": ["string", "null"], "description": "Also in X-Request-ID and in every log line."},
        "errors": {
            "type": "array",
            "description": "For invalid values: each field and what is wrong with it.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "example": {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Not enough stock for product 550e8400-e29b-41d4-a716-446655440001: 3 asked, 1 there.",
        "code": "insufficient_stock",
        "request_id": "5f0c1f8e-7c1e-4f3e-9a51-0a2b7a4f8f7e",
    },
}

PROBLEMS = {
    "400": "The body is not JSON that can be understood.",
    "401": "Nobody knows who asks: log in.",
    "403": "Whoever asks may not do this here.",
    "404": "A thing that was named does not exist.",
    "405": "The address does not take this method.",
    "409": "The state of things does not allow it now; `code` and the fields say why.",
    "411": "The body comes in chunks, without its length.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "Values break a rule: `errors` names them.",
    "429": "Too many calls, or too many wrong passwords: try again after the seconds in Retry-After.",
    "503": "The database or a module is away: try again in a moment.",
}

API_KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A machine's key."}

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A key of your own for this call: repeated within 24 hours, it is answered again, but not done.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "2f1c9c2e-8a55-4f6b-9d8e-3f0b6c0f4d1a",
}

# From the demonstration chain, so that "Try it out" works as it stands.
PARAMETER_EXAMPLES = {
    "product_id": "550e8400-e29b-41d4-a716-446655440001",
    "store_id": "33333333-3333-3333-3333-333333333331",
    "sale_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11",
    "session_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d12",
    "receipt": "2026-000001",
    "location_id": "11111111-1111-1111-1111-111111111111",
    "cart_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d13",
    "item_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d14",
    "search": "clavier",
    "category": "Boissons",
    "sku": "INF-001",
    "barcode": "2000000000015",
    "from": "2026-01-01",
    "to": "2026-12-31",
}

METHODS = {"get", "post", "put", "patch", "delete"}


class Operations(OpenAPISchema):
    """django-ninja's part of the document; of two components of one name it would keep the last, without a word."""

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        """Raises ValueError for a name that stands for something else already."""
        for name, described in definitions.items():
            if self.schemas.setdefault(name, described) != described:
                raise ValueError(f"Two operations describe different things as {name}: rename one.")


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's postprocessing hook: adds django-ninja's operations, and what all operations share.

    Raises ValueError where one name stands for two things, since one of the two would silently vanish.
    """
    operations = Operations(api, path_prefix="/api/v1/")
    _merge(result["paths"], operations["paths"], "path")
    components = result.setdefault("components", {})
    _merge(components.setdefault("schemas", {}), operations["components"]["schemas"], "schema")
    components["schemas"]["Problem"] = PROBLEM
    components["securitySchemes"]["api_key"] = API_KEY
    for operation in _operations(result["paths"]):
        _complete_operation(operation)
    _document_idempotency(result["paths"])
    return result


def _merge(target: dict[str, Any], source: dict[str, Any], kind: str) -> None:
    if clash := target.keys() & source.keys():
        raise ValueError(f"Both frameworks describe the {kind} {', '.join(sorted(clash))}: rename one.")
    target.update(source)


def _operations(paths: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in paths.values() for method, operation in item.items() if method in METHODS]


def _complete_operation(operation: dict[str, Any]) -> None:
    is_public = not operation.get("security")
    operation["security"] = [{}] if is_public else [{"bearer": []}, {"api_key": []}]
    for parameter in operation.get("parameters", []):
        if example := PARAMETER_EXAMPLES.get(parameter["name"]):
            parameter.setdefault("example", example)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in PROBLEMS.items():
        operation["responses"].setdefault(status, {"description": description, "content": content})
    operation["responses"] = dict(sorted((str(status), answer) for status, answer in operation["responses"].items()))
    # Every operation's docstring starts with a sentence that says what it does.
    first_line = operation.get("description", "").partition("\n")[0]
    operation["summary"] = first_line.partition(". ")[0].rstrip(".").replace("`", "")


def _document_idempotency(paths: dict[str, Any]) -> None:
    for bound in api._get_bound_routers():  # noqa: SLF001 django-ninja has no public way to list its operations
        for view in bound.path_operations.values():
            for operation in view.operations:
                if getattr(operation.view_func, "takes_idempotency_key", False):
                    documented = next(o for o in _operations(paths) if o["operationId"] == operation.operation_id)
                    documented.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
