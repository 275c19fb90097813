"""The pages' addresses."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboards.pages import chain, orders, products, replenishment, sales, session, stock, store

app_name = "dashboards"

STOCK = "dashboard/stores/<uuid:store_id>/stock/"
PRODUCT = "dashboard/products/<uuid:product_id>/"

urlpatterns = [
    path("login/", session.login, name="login"),
    path("logout/", LogoutView.as_view(next_page="dashboards:login"), name="logout"),
    path("theme/", session.theme, name="theme"),
    path("dashboard/", chain.chain, name="chain"),
    path("dashboard/stores/<uuid:store_id>/", store.store, name="store"),
    path("dashboard/stock/", stock.stocks, name="stocks"),
    path(STOCK, stock.stock, name="stock"),
    path(f"{STOCK}<uuid:product_id>/request/", stock.ask, name="ask"),
    path(f"{STOCK}<uuid:product_id>/count/", stock.count, name="count"),
    path("dashboard/replenishment/", replenishment.requests, name="replenishment"),
    path("dashboard/replenishment/decisions/", replenishment.decide, name="decide"),
    path("dashboard/replenishment/suggestions/accept/", replenishment.accept, name="accept"),
    path("dashboard/replenishment/<uuid:request_id>/<slug:step>/", replenishment.step, name="request_step"),
    path("dashboard/orders/", orders.orders, name="orders"),
    path("dashboard/orders/<uuid:order_id>/<slug:step>/", orders.step, name="order_step"),
    path("dashboard/sales/", sales.report, name="sales"),
    path("dashboard/sales/sales.xlsx", sales.spreadsheet, name="spreadsheet"),
    path("dashboard/products/", products.products, name="products"),
    path(PRODUCT, products.product, name="product"),
    path(f"{PRODUCT}edit/", products.edit, name="edit_product"),
]
