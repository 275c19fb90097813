"""Who calls, by bearer token or by session: one answer for Django REST framework and django-ninja alike."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from ninja.security.base import AuthBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.interface import Action, Actor, InvalidToken, PersonNotFound, accounts
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


# What it takes to see and change a module's rows in the admin.
ADMIN_ACTIONS = {"accounts": Action.EDIT_PEOPLE, "catalog": Action.EDIT_CATALOG, "inventory": Action.EDIT_STORES}


class PolicyBackend(ModelBackend):
    """Django's permissions, as the admin asks for them, answered by the chain's one policy."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return self.has_module_perms(user_obj, perm.partition(".")[0])

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        action = ADMIN_ACTIONS.get(app_label)
        if action is None or not user_obj.is_active or user_obj.is_anonymous:
            return False
        if not hasattr(user_obj, "actor"):
            user_obj.actor = accounts.actor(person_id=user_obj.pk)
        return bool(action in user_obj.actor.everywhere)


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
