"""Passwords and codes sent by mail: `/customers/me/password/`, `/customers/password/reset/`, `/customers/email/`."""

from datetime import UTC, datetime

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.callers import actor_of, address_of
from accounts.interface import accounts
from shared_kernel.rest.bodies import StrictSerializer, Text

CODE = "0190f3f05a6e7c3b9c1d2f0e6b8a4d11.czk2xk-4c1b6e0f2a7d9358b1e6f0a2c4d8e7f9"


class PasswordBody(StrictSerializer):
    current_password = Text(max_length=128, trim_whitespace=False, help_text="The password as it is.")
    new_password = Text(max_length=128, trim_whitespace=False, help_text="The password as it shall be.")


class ResetBody(StrictSerializer):
    email = serializers.EmailField(max_length=254, help_text="The account's e-mail, in any case.")


class NewPasswordBody(StrictSerializer):
    code = Text(max_length=200, help_text="The code from the mail.")
    new_password = Text(max_length=128, trim_whitespace=False, help_text="The password as it shall be.")


class CodeBody(StrictSerializer):
    code = Text(max_length=200, help_text="The code from the mail.")


class PasswordView(APIView):
    @extend_schema(
        operation_id="change_password",
        tags=["customers"],
        request=PasswordBody,
        responses={204: None},
        examples=[
            OpenApiExample(
                "A new password",
                {"current_password": "un-mot-de-passe-a-moi", "new_password": "un-autre-mot-de-passe"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Change one's password, as a customer or as staff. Every login ends: log in again.

        A wrong current password and a weak new one are a 422; after several wrong ones, 429 for a while.
        """
        person_id = actor_of(request).id
        accounts.change_password(person_id=person_id, **PasswordBody.of(request), address=address_of(request))
        return Response(status=204)


class ResetView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="request_password_reset",
        tags=["customers"],
        auth=[],
        request=ResetBody,
        responses={204: None},
        examples=[OpenApiExample("A forgotten password", {"email": "camille@example.com"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Ask for a mail with a code that sets a new password. An unknown address gets the same answer, and no mail.

        The same for an address that was sent five letters with a code within the hour.
        """
        accounts.request_password_reset(email=ResetBody.of(request)["email"])
        return Response(status=204)


class ResetConfirmationView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="reset_password",
        tags=["customers"],
        auth=[],
        request=NewPasswordBody,
        responses={204: None},
        examples=[
            OpenApiExample(
                "A code from a mail", {"code": CODE, "new_password": "un-autre-mot-de-passe"}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the code from the mail, once. Every login ends.

        A code that is wrong, used or older than an hour is a 422.
        """
        accounts.reset_password(**NewPasswordBody.of(request))
        return Response(status=204)


class VerificationRequestView(APIView):
    @extend_schema(operation_id="request_verification", tags=["customers"], request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Ask for another mail with a code that verifies one's e-mail.

        None comes to an address that was sent five letters with a code within the hour.
        """
        accounts.request_verification(customer_id=actor_of(request).id)
        return Response(status=204)


class VerificationView(APIView):
    authentication_classes = []

    @extend_schema(
        operation_id="verify_email",
        tags=["customers"],
        auth=[],
        request=CodeBody,
        responses={204: None},
        examples=[OpenApiExample("A code from a mail", {"code": CODE}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Verify an e-mail with the code that came there. Again: nothing happens.

        A code that is wrong, older than an hour, or was sent to an earlier e-mail is a 422.
        """
        accounts.verify_email(code=CodeBody.of(request)["code"], now=datetime.now(UTC))
        return Response(status=204)


urlpatterns = [
    path("customers/me/password/", PasswordView.as_view()),
    path("customers/password/reset/", ResetView.as_view()),
    path("customers/password/reset/confirm/", ResetConfirmationView.as_view()),
    path("customers/me/email/verification/", VerificationRequestView.as_view()),
    path("customers/email/verify/", VerificationView.as_view()),
]
