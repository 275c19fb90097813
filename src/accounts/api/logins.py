"""Coming in, staying in, and going out: `/auth/login/`, `/customers/token/refresh/` and `/customers/logout/`."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.callers import address_of
from accounts.interface import InvalidToken, Tokens, accounts
from shared_kernel.rest.bodies import StrictSerializer, Text


class LoginBody(StrictSerializer):
    email = serializers.EmailField(max_length=254, help_text="The account's e-mail, in any case.")
    password = Text(max_length=128, trim_whitespace=False, help_text="The account's password.")


class RefreshBody(StrictSerializer):
    refresh = Text(max_length=2000, help_text="The refresh token of the pair that was given last.")


class TokensAnswer(serializers.Serializer[Tokens]):
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`; it lasts ten minutes.")
    refresh = serializers.CharField(help_text="Exchange it, once, for a new pair before it ends, after seven days.")


STAFF_EXAMPLE = OpenApiExample(
    "Demo cashier", {"email": "cashier@demo.example", "password": "demo-comptoir"}, request_only=True
)
CUSTOMER_EXAMPLE = OpenApiExample(
    "A customer", {"email": "camille@example.com", "password": "un-mot-de-passe-a-moi"}, request_only=True
)
REFRESH_EXAMPLE = OpenApiExample(
    "A refresh token", {"refresh": "0190f3f05a6e7c3b9c1d2f0e6b8a4d11.mQ3…"}, request_only=True
)


def _log_in(request: Request) -> Response:
    body = LoginBody.of(request)
    tokens = accounts.log_in(email=body["email"], password=body["password"], address=address_of(request))
    return Response(TokensAnswer(tokens).data)


class LoginView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="log_in",
        tags=["people"],
        auth=[],
        request=LoginBody,
        responses=TokensAnswer,
        examples=[STAFF_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Log in with e-mail and password, staff and customers alike.

        Answers a pair of tokens. An unknown e-mail and a wrong password get the same 401, and after several tries the
        same 429 for a while.
        """
        return _log_in(request)


class CustomerLoginView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="log_in_customer",
        tags=["customers"],
        auth=[],
        request=LoginBody,
        responses=TokensAnswer,
        examples=[CUSTOMER_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Log in with e-mail and password: the same as `/auth/login/`, where a web shop looks for it."""
        return _log_in(request)


class RefreshView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="refresh_token",
        tags=["people"],
        auth=[],
        request=RefreshBody,
        responses=TokensAnswer,
        examples=[REFRESH_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a fresh pair of tokens. A token that is not valid any more gets a 401.

        The token that was exchanged last ends its login, since somebody else may hold the newer one.
        """
        tokens = accounts.refresh(refresh_token=RefreshBody.of(request)["refresh"])
        if tokens is None:
            raise InvalidToken
        return Response(TokensAnswer(tokens).data)


class LogoutView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="log_out",
        tags=["people"],
        auth=[],
        request=RefreshBody,
        responses={204: None},
        examples=[REFRESH_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Log out: neither the refresh token nor the access tokens of its login hold any more. Again: nothing happens.

        A token that is not valid gets the same answer.
        """
        accounts.log_out(refresh_token=RefreshBody.of(request)["refresh"])
        return Response(status=204)


urlpatterns = [
    path("auth/login/", LoginView.as_view()),
    path("customers/login/", CustomerLoginView.as_view()),
    path("customers/token/refresh/", RefreshView.as_view()),
    path("customers/logout/", LogoutView.as_view()),
]
