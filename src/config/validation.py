"""Whether values would do: `/validate/…`, by the very bodies and rules of the operations that take them.

Nothing changes, and nothing is told of what exists: a sku may be taken, and a product unknown, all the same.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, extend_schema
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.customers import CAMILLE, RegistrationBody
from accounts.interface import AddressDraft, CustomerDraft, InvalidDetails, accounts
from accounts.models import User
from accounts.rules import customer_errors, normal_customer
from accounts.service.passwords import password_errors
from catalog.api import BODY_EXAMPLE, ProductBody
from catalog.interface import InvalidProduct, ProductDraft
from catalog.rules import errors_of
from checkout.api.orders import OrderBody
from checkout.interface import InvalidOrder
from checkout.rules import destination_errors
from inventory.api import CountBody
from shared_kernel.rest.bodies import StrictSerializer

VERDICT = {200: {"$ref": "#/components/schemas/VerdictAnswer"}}

router = Router(tags=["validation"])


class FieldError(Schema):
    field: str = Field(description="Which value.")
    message: str = Field(description="What is wrong with it.")


class VerdictAnswer(Schema):
    valid: bool = Field(description="Whether the operation that takes these values would find nothing wrong with them.")
    errors: list[FieldError] = Field(description="What it would refuse; empty where they are valid.")

    model_config = {"json_schema_extra": {"examples": [{"valid": True, "errors": []}]}}


SOUND = VerdictAnswer(valid=True, errors=[])


def as_verdict(run: Callable[..., Any]) -> Callable[..., Any]:
    """Answer with what is wrong, where the operation would refuse values that break a rule."""

    @functools.wraps(run)
    def answer(request: HttpRequest, *args: Any, **path: Any) -> Any:
        response = run(request, *args, **path)
        if response.status_code != 422:
            return response
        return JsonResponse({"valid": False, "errors": json.loads(response.content)["errors"]})

    return answer


# --- What django-ninja's operations take ----------------------------------------------------------------------------


@router.post("/validate/order/", response=VerdictAnswer, operation_id="validate_order")
@decorate_view(as_verdict)
def order(request: HttpRequest, body: OrderBody) -> Any:
    """Whether `POST /orders/` would take this order, as far as its values tell."""
    destination = body.destination(None)
    if errors := destination_errors(destination):
        raise InvalidOrder(errors=errors)
    if destination.address:
        accounts.sound_address(draft=AddressDraft(**asdict(destination.address)))
    return SOUND


@router.post("/validate/stock/", response=VerdictAnswer, operation_id="validate_stock")
@decorate_view(as_verdict)
def stock(request: HttpRequest, body: CountBody) -> Any:
    """Whether a product's stock in a store can be set to this."""
    return SOUND


# --- What Django REST framework's take ------------------------------------------------------------------------------


class EmailBody(StrictSerializer):
    email = RegistrationBody().fields["email"]


class PhoneBody(StrictSerializer):
    phone = RegistrationBody().fields["phone"]


@method_decorator(as_verdict, name="dispatch")
class ValidationView(APIView):
    """The base of the checks: for whoever is known."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.auth is None:
            raise NotAuthenticated


def _sound() -> Response:
    return Response(SOUND.dict())


def _refuse(errors: list[dict[str, str]]) -> None:
    """Raises InvalidDetails, if there are any."""
    if errors:
        raise InvalidDetails(errors=errors)


def _detail_errors(**values: Any) -> list[dict[str, str]]:
    """What is wrong with those of a customer's details that are given."""
    draft = CustomerDraft(**({"email": "", "name": "", "password": ""} | values))
    normal = normal_customer(draft, country=settings.COMPTOIR_COUNTRY)
    return [error for error in customer_errors(normal) if error["field"] in values]


class ProductValidationView(ValidationView):
    @extend_schema(
        operation_id="validate_product",
        tags=["validation"],
        request=ProductBody,
        responses=VERDICT,
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Whether `POST /products/` would take this product, as far as its values tell: its sku may be taken."""
        if errors := errors_of(ProductDraft(**ProductBody.of(request))):
            raise InvalidProduct(errors=errors)
        return _sound()


class CustomerValidationView(ValidationView):
    @extend_schema(
        operation_id="validate_customer",
        tags=["validation"],
        request=RegistrationBody,
        responses=VERDICT,
        examples=[OpenApiExample("A customer", CAMILLE | {"password": "un-mot-de-passe-a-moi"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Whether `POST /customers/register/` would take this customer, as far as the details tell.

        The e-mail may belong to another account.
        """
        body = RegistrationBody.of(request)
        person = User(email=body["email"], name=body["name"], phone=body.get("phone", ""))
        _refuse(_detail_errors(**body) + password_errors(body["password"], person, field="password"))
        return _sound()


class EmailValidationView(ValidationView):
    @extend_schema(
        operation_id="validate_email",
        tags=["validation"],
        request=EmailBody,
        responses=VERDICT,
        examples=[OpenApiExample("An e-mail", {"email": CAMILLE["email"]}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Whether a customer could have this e-mail, be it anybody's or nobody's."""
        _refuse(_detail_errors(**EmailBody.of(request)))
        return _sound()


class PhoneValidationView(ValidationView):
    @extend_schema(
        operation_id="validate_phone",
        tags=["validation"],
        request=PhoneBody,
        responses=VERDICT,
        examples=[OpenApiExample("A phone", {"phone": CAMILLE["phone"]}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Whether a customer could have this phone; without a country's code, it is a local one."""
        # Elsewhere it may be left out, which is nothing to be checked.
        phone = PhoneBody.of(request).get("phone")
        _refuse(_detail_errors(phone=phone) if phone else [{"field": "phone", "message": "Say which."}])
        return _sound()


urlpatterns = [
    path("validate/product/", ProductValidationView.as_view()),
    path("validate/customer/", CustomerValidationView.as_view()),
    path("validate/email/", EmailValidationView.as_view()),
    path("validate/phone/", PhoneValidationView.as_view()),
]
