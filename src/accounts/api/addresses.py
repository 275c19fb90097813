"""Customers' address books: `/customers/{id}/addresses/`."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import models
from accounts.api.callers import CUSTOMER_ID, reached
from accounts.api.customers import AddressAnswer
from accounts.interface import Action, Address, AddressDraft, AddressNotFound, CustomerNotFound, accounts
from shared_kernel.ids import new_id
from shared_kernel.rest.bodies import StrictSerializer, Text
from shared_kernel.rest.filters import StrictFilterBackend

HOME = {
    "name": "Camille Martin",
    "line1": "12 rue de la République",
    "city": "Lyon",
    "postal_code": "69002",
    "country": "FR",
    "default_delivery": True,
}
EXAMPLE = OpenApiExample("At home", HOME, request_only=True)


class AddressBody(StrictSerializer):
    name = Text(max_length=200, help_text="Who lives there.")
    line1 = Text(max_length=200, help_text="Street and number.")
    line2 = Text(max_length=200, required=False, allow_blank=True, help_text="Building, floor, at whose place.")
    city = Text(max_length=100)
    postal_code = Text(
        max_length=20, required=False, allow_blank=True, help_text="As the country writes it; needed where it has any."
    )
    region = Text(max_length=100, required=False, allow_blank=True, help_text="State or province.")
    country = Text(max_length=2, help_text="An ISO 3166 code of two letters.")
    phone = Text(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="Without the country's code it is one of the address's country. Kept in E.164.",
    )
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    default_billing = serializers.BooleanField(
        required=False, help_text="Bills go here from now on, and to no other address. The first address has this."
    )
    default_delivery = serializers.BooleanField(
        required=False, help_text="Goods go here from now on, and to no other address. The first address has this."
    )


def _address(customer_id: UUID, address_id: UUID) -> Address:
    for address in accounts.addresses(customer_ids=[customer_id]):
        if address.id == address_id:
            return address
    raise AddressNotFound(address_id=address_id)


class AddressListView(generics.ListAPIView[models.Address]):
    serializer_class = AddressAnswer  # type: ignore[assignment]  # a row has the fields of the value
    filter_backends = [StrictFilterBackend]
    queryset = models.Address.objects.all()

    def get_queryset(self) -> QuerySet[models.Address]:
        customer_id = reached(self.request, self.kwargs["customer_id"], Action.READ_PEOPLE)
        if not accounts.customers(ids=[customer_id]):
            raise CustomerNotFound(customer_id=customer_id)
        return models.Address.objects.filter(customer=customer_id)

    @extend_schema(operation_id="list_addresses", tags=["customers"], parameters=[CUSTOMER_ID])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A customer's addresses, in the order in which they came in."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="add_address",
        tags=["customers"],
        parameters=[CUSTOMER_ID],
        request=AddressBody,
        responses={201: AddressAnswer},
        examples=[EXAMPLE],
    )
    def post(self, request: Request, customer_id: str) -> Response:
        """Add an address to a customer's book. The first becomes the default for bills and goods.

        Refused with 422 where the postal code is none of its country, and with 409 when the book is full.
        """
        person_id = reached(request, customer_id, Action.EDIT_PEOPLE)
        draft = AddressDraft(**AddressBody.of(request))
        address = accounts.add_address(customer_id=person_id, address_id=new_id(), draft=draft)
        return Response(AddressAnswer(address).data, status=201)


class AddressView(APIView):
    @extend_schema(operation_id="address", tags=["customers"], parameters=[CUSTOMER_ID], responses=AddressAnswer)
    def get(self, request: Request, customer_id: str, address_id: UUID) -> Response:
        """One address of a customer's book."""
        person_id = reached(request, customer_id, Action.READ_PEOPLE)
        return Response(AddressAnswer(_address(person_id, address_id)).data)

    @extend_schema(
        operation_id="replace_address",
        tags=["customers"],
        parameters=[CUSTOMER_ID],
        request=AddressBody,
        responses=AddressAnswer,
        examples=[EXAMPLE],
    )
    def put(self, request: Request, customer_id: str, address_id: UUID) -> Response:
        """Give an address all its values anew; what may be left out goes back to its default."""
        person_id = reached(request, customer_id, Action.EDIT_PEOPLE)
        draft = AddressDraft(**AddressBody.of(request))
        address = accounts.change_address(customer_id=person_id, address_id=address_id, draft=draft)
        return Response(AddressAnswer(address).data)

    @extend_schema(operation_id="remove_address", tags=["customers"], parameters=[CUSTOMER_ID], responses={204: None})
    def delete(self, request: Request, customer_id: str, address_id: UUID) -> Response:
        """Remove an address from a customer's book. Orders keep the address that they were made with."""
        person_id = reached(request, customer_id, Action.EDIT_PEOPLE)
        accounts.remove_address(customer_id=person_id, address_id=_address(person_id, address_id).id)
        return Response(status=204)


urlpatterns = [
    path("customers/<str:customer_id>/addresses/", AddressListView.as_view()),
    path("customers/<str:customer_id>/addresses/<uuid:address_id>/", AddressView.as_view()),
]
