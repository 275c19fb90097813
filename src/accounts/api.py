"""Logging in over REST: `/auth/login/` and `/customers/token/refresh/`."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.interface import Tokens, accounts
from shared_kernel.rest.bodies import StrictSerializer, Text


class LoginBody(StrictSerializer):
    email = serializers.EmailField(max_length=254, help_text="The account's e-mail, in any case.")
    password = Text(max_length=128, trim_whitespace=False, help_text="The account's password.")


class RefreshBody(StrictSerializer):
    refresh = Text(max_length=2000, help_text="The refresh token of the pair to be replaced.")


class TokensAnswer(serializers.Serializer[Tokens]):
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`; it lasts ten minutes.")
    refresh = serializers.CharField(help_text="Exchange it for a new pair before it ends, after seven days.")


LOGIN_EXAMPLE = OpenApiExample(
    "Demo cashier", {"email": "cashier@demo.example", "password": "demo-comptoir"}, request_only=True
)


class LoginView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="log_in",
        tags=["people"],
        auth=[],
        request=LoginBody,
        responses=TokensAnswer,
        examples=[LOGIN_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Log in with e-mail and password, staff and customers alike.

        Answers a pair of tokens. An unknown e-mail and a wrong password get the same 401.
        """
        body = LoginBody.of(request)
        return Response(TokensAnswer(accounts.log_in(email=body["email"], password=body["password"])).data)


class RefreshView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="refresh_token",
        tags=["people"],
        auth=[],
        request=RefreshBody,
        responses=TokensAnswer,
        examples=[OpenApiExample("A refresh token", {"refresh": "eyJhbGciOi…"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a fresh pair of tokens. A token that is not valid any more gets a 401."""
        body = RefreshBody.of(request)
        return Response(TokensAnswer(accounts.refresh(refresh_token=body["refresh"])).data)


urlpatterns = [
    path("auth/login/", LoginView.as_view()),
    path("customers/token/refresh/", RefreshView.as_view()),
]
