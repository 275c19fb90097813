"""Who calls, by bearer token or by session: one answer for Django REST framework and django-ninja alike."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from ninja.security.base import AuthBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.interface import Actor, InvalidToken, PersonNotFound, accounts
from config.problems import CsrfFailed, LoginRequired

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def identify(request: HttpRequest) -> Actor | None:
    """Who calls; None when nobody says so. Asked at most once a request.

    Raises InvalidToken for a token that does not hold, and CsrfFailed for a session's write without its CSRF token.
    """
    if not hasattr(request, "actor"):
        request.actor = _identify(request)  # type: ignore[attr-defined]
    actor: Actor | None = request.actor  # type: ignore[attr-defined]
    return actor


def _identify(request: HttpRequest) -> Actor | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return accounts.actor_of_token(access_token=token.strip())
    if scheme:
        raise InvalidToken
    if "sessionid" not in request.COOKIES or not request.user.is_authenticated:
        return None
    if request.method not in SAFE_METHODS:
        _require_csrf_token(request)
    try:
        return accounts.actor(person_id=request.user.pk)
    except PersonNotFound as error:
        raise LoginRequired from error


def _require_csrf_token(request: HttpRequest) -> None:
    check = CsrfViewMiddleware(_nothing)
    check.process_request(request)
    if check.process_view(request, _nothing, (), {}) is not None:
        raise CsrfFailed


def _nothing(request: HttpRequest) -> HttpResponse:
    """Stands for the view, which Django's check asks only whether it is exempt."""
    return HttpResponse()


class RestAuthentication(BaseAuthentication):
    """For Django REST framework: `request.auth` is the Actor, or None."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        actor = identify(request._request)
        return (actor, actor) if actor else None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    """Tells drf-spectacular what our authentication is."""

    target_class = RestAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class NinjaAuthentication(AuthBase):
    """For django-ninja: `request.auth` is the Actor; without one the call is refused."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Actor:
        actor = identify(request)
        if actor is None:
            raise LoginRequired
        return actor
