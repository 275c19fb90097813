"""Customers' accounts: `/customers/`."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import path
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import models
from accounts.api.callers import CUSTOMER_ID, actor_of, address_of, reached
from accounts.interface import (
    Action,
    Address,
    Customer,
    CustomerChanges,
    CustomerDraft,
    CustomerNotFound,
    Language,
    accounts,
)
from shared_kernel.ids import new_id
from shared_kernel.rest.bodies import StrictSerializer, Text
from shared_kernel.rest.filters import StrictFilterBackend

CAMILLE = {"email": "camille@example.com", "name": "Camille Martin", "phone": "+33612345678", "language": "fr"}
LANGUAGES = [(language.value, language.value) for language in Language]


class ProfileBody(StrictSerializer):
    email = serializers.EmailField(max_length=254, help_text="Unique in any case; a new one has to be verified again.")
    name = Text(max_length=200, help_text="The person's whole name.")
    phone = Text(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="As +33 6 12 34 56 78; without the country's code it is a local one. Kept in E.164.",
    )
    language = serializers.ChoiceField(LANGUAGES, required=False, help_text="In which the chain writes to the person.")


class DetailsBody(ProfileBody):
    current_password = Text(
        max_length=128,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="One's password: needed for a new e-mail of one's own.",
    )


class RegistrationBody(ProfileBody):
    password = Text(max_length=128, trim_whitespace=False, help_text="At least 8 characters, and no common one.")


class CustomerAnswer(serializers.Serializer[Customer]):
    id = serializers.UUIDField()
    email = serializers.CharField(help_text="Empty where the customer was erased.")
    name = serializers.CharField(help_text="Empty where the customer was erased.")
    phone = serializers.CharField(help_text="In E.164, or empty.")
    language = serializers.ChoiceField(LANGUAGES)
    email_verified = serializers.BooleanField(help_text="Whether a code came back that was sent there.")
    erased = serializers.BooleanField(help_text="Whether the person was erased, and only the id is left.")
    created_at = serializers.DateTimeField(default_timezone=UTC)


class AddressAnswer(serializers.Serializer[Address]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField()
    city = serializers.CharField()
    postal_code = serializers.CharField()
    region = serializers.CharField()
    country = serializers.CharField(help_text="An ISO 3166 code of two letters.")
    phone = serializers.CharField(help_text="In E.164, or empty.")
    email = serializers.CharField()
    default_billing = serializers.BooleanField(help_text="Whether bills go here unless somebody says otherwise.")
    default_delivery = serializers.BooleanField(help_text="Whether goods go here unless somebody says otherwise.")


class CustomerFilters(filters.FilterSet):
    search = filters.CharFilter(method="known_by", max_length=200, help_text="Part of the name, e-mail or phone.")

    class Meta:
        model = models.User
        fields: list[str] = []

    def known_by(self, rows: QuerySet[models.User], name: str, value: str) -> QuerySet[models.User]:
        return rows.filter(Q(name__icontains=value) | Q(email__icontains=value) | Q(phone__contains=value))


def _answer(customer_id: UUID) -> Response:
    known = accounts.customers(ids=[customer_id])
    if not known:
        raise CustomerNotFound(customer_id=customer_id)
    return Response(CustomerAnswer(known[0]).data)


class RegistrationView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="register",
        tags=["customers"],
        auth=[],
        request=RegistrationBody,
        responses={201: CustomerAnswer},
        examples=[
            OpenApiExample("A customer", CAMILLE | {"password": "un-mot-de-passe-a-moi"}, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Become a customer. A mail brings a code to verify the e-mail.

        Refused with 409 when the e-mail belongs to another account, and with 422 for a weak password.
        """
        draft = CustomerDraft(**_language_of(RegistrationBody.of(request)))
        customer = accounts.register(customer_id=new_id(), draft=draft)
        return Response(CustomerAnswer(customer).data, status=201)


class CustomerListView(generics.ListAPIView[models.User]):
    queryset = models.User.objects.customers().filter(erased_at=None).order_by("name", "id")
    serializer_class = CustomerAnswer  # type: ignore[assignment]  # a row has the fields of the value
    filter_backends = [StrictFilterBackend]
    filterset_class = CustomerFilters

    @extend_schema(operation_id="list_customers", tags=["customers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The chain's customers by name, for staff who may read people. Erased ones are left out."""
        actor_of(request).require(Action.READ_PEOPLE)
        return super().get(request, *args, **kwargs)


class CustomerView(APIView):
    @extend_schema(operation_id="customer", tags=["customers"], parameters=[CUSTOMER_ID], responses=CustomerAnswer)
    def get(self, request: Request, customer_id: str) -> Response:
        """A customer's details: one's own, or anybody's for staff who may read people."""
        return _answer(reached(request, customer_id, Action.READ_PEOPLE))

    @extend_schema(
        operation_id="replace_customer",
        tags=["customers"],
        parameters=[CUSTOMER_ID],
        request=DetailsBody,
        responses=CustomerAnswer,
        examples=[OpenApiExample("All details", CAMILLE, request_only=True)],
    )
    def put(self, request: Request, customer_id: str) -> Response:
        """Give a customer all details anew; what may be left out goes back to its default.

        A new e-mail takes the same as where some details are given.
        """
        person_id = reached(request, customer_id, Action.EDIT_PEOPLE)
        return self._change(request, person_id, {"phone": "", "language": Language.EN} | DetailsBody.of(request))

    @extend_schema(
        operation_id="update_customer",
        tags=["customers"],
        parameters=[CUSTOMER_ID],
        request=DetailsBody,
        responses=CustomerAnswer,
        examples=[
            OpenApiExample("A new phone", {"phone": "06 98 76 54 32"}, request_only=True),
            OpenApiExample(
                "A new e-mail",
                {"email": "camille.martin@example.com", "current_password": "un-mot-de-passe-a-moi"},
                request_only=True,
            ),
        ],
    )
    def patch(self, request: Request, customer_id: str) -> Response:
        """Give a customer some details anew; an empty phone removes it.

        A new e-mail of one's own takes the current password: without it, 422, and after several wrong ones, or changes
        of the e-mail, 429 for a while. Every login ends then: log in again. The former e-mail is told by mail.
        """
        person_id = reached(request, customer_id, Action.EDIT_PEOPLE)
        return self._change(request, person_id, DetailsBody.of(request, partial=True))

    @extend_schema(operation_id="erase_customer", tags=["customers"], parameters=[CUSTOMER_ID], responses={204: None})
    def delete(self, request: Request, customer_id: str) -> Response:
        """Erase a customer: name, e-mail, phone, addresses and logins are gone for good. Again: nothing happens.

        The id stays, for the figures that speak of it.
        """
        person_id = reached(request, customer_id, Action.EDIT_PEOPLE)
        accounts.erase_customer(customer_id=person_id, now=datetime.now(UTC))
        return Response(status=204)

    def _change(self, request: Request, customer_id: UUID, values: dict[str, Any]) -> Response:
        password = values.pop("current_password", "")
        changes = CustomerChanges(**_language_of(values))
        if customer_id == actor_of(request).id:
            customer = accounts.change_own_details(
                customer_id=customer_id, changes=changes, current_password=password, address=address_of(request)
            )
        else:
            customer = accounts.change_customer(customer_id=customer_id, changes=changes)
        return Response(CustomerAnswer(customer).data)


def _language_of(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, with the language as such."""
    return values | ({"language": Language(values["language"])} if "language" in values else {})


urlpatterns = [
    path("customers/", CustomerListView.as_view()),
    path("customers/register/", RegistrationView.as_view()),
    path("customers/<str:customer_id>/", CustomerView.as_view()),
]
