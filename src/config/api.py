"""The one REST API: django-ninja's operations and Django REST framework's collections under `/api/v1`."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.operation import Operation

from cart.api import router as cart_router
from checkout.api import router as checkout_router
from config import problems
from config.authentication import NinjaAuthentication
from config.export import router as export_router
from config.validation import router as validation_router
from inventory.api import router as inventory_router
from replenishment.api import router as replenishment_router
from sales.api import router as sales_router
from shared_kernel.rest.answers import Renderer
from shared_kernel.rest.bodies import NinjaParser

api = NinjaAPI(
    title="Comptoir",
    version="1.0.0",
    docs_url=None,
    openapi_url=None,
    auth=NinjaAuthentication(),
    parser=NinjaParser(),
    renderer=Renderer(),
    urls_namespace="operations",
)
problems.install(api)
api.add_router("", inventory_router)
api.add_router("", sales_router)
api.add_router("", replenishment_router)
api.add_router("", cart_router)
api.add_router("", checkout_router)
api.add_router("", export_router)
api.add_router("", validation_router)


def refuse_unknown_parameters(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A query parameter that the operation does not know is a 422: a misspelt filter must not show everything."""
    operation = inspect.unwrap(run).__self__
    known = query_parameters(operation)

    @functools.wraps(run)
    def checked(request: HttpRequest, **path: Any) -> HttpResponse:
        if unknown := request.GET.keys() - known:
            return problems.invalid([{"field": name, "message": "There is no such parameter."} for name in unknown])
        return run(request, **path)

    return checked


def query_parameters(operation: Operation) -> set[str]:
    """The names of an operation's query parameters."""
    return {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }


api.add_decorator(refuse_unknown_parameters, mode="view")
