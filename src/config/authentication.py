"""Who calls, by bearer token, by API key or by session: one answer for Django REST framework and django-ninja alike."""

from datetime import UTC, datetime
from math import ceil
from typing import Any

import structlog
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import ngettext
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from ninja.security.base import AuthBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.interface import (
    Action,
    Actor,
    BadCredentials,
    InvalidToken,
    PersonNotFound,
    TooManyAttempts,
    accounts,
)
from config.addresses import address_of
from config.limits import count_caller
from config.problems import CsrfFailed, LoginRequired

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def identify(request: HttpRequest) -> Actor | None:
    """Who calls; None when nobody says so. Asked at most once a request.

    Raises InvalidToken for a token that does not hold, InvalidApiKey likewise, CsrfFailed for a session's write
    without its CSRF token, and TooManyRequests for somebody who calls more often than they may.
    """
    if not hasattr(request, "actor"):
        found = _identify(request)
        if found is not None:
            count_caller(request, found.id)
        request.actor = found  # type: ignore[attr-defined]
    actor: Actor | None = request.actor  # type: ignore[attr-defined]
    return actor


def _identify(request: HttpRequest) -> Actor | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _noted(accounts.actor_of_token(access_token=token.strip()))
    if scheme:
        raise InvalidToken
    if (key := request.headers.get("X-API-Key")) is not None:
        return _noted(accounts.actor_of_key(key=key, now=datetime.now(UTC)))
    if "sessionid" not in request.COOKIES or not request.user.is_authenticated:
        return None
    if request.method not in SAFE_METHODS:
        _require_csrf_token(request)
    return _actor_of(request.user)


def _actor_of(user: Any) -> Actor:
    """The person of a session as an actor. Asked at most once a request. Raises PersonNotFound."""
    if not hasattr(user, "actor"):
        user.actor = _noted(accounts.actor(person_id=user.pk))
    actor: Actor = user.actor
    return actor


def _noted(actor: Actor) -> Actor:
    """The same, named from now on in whatever this request has written to the log and the audit trail."""
    structlog.contextvars.bind_contextvars(actor=str(actor.id))
    return actor


def _require_csrf_token(request: HttpRequest) -> None:
    check = CsrfViewMiddleware(_nothing)
    check.process_request(request)
    if check.process_view(request, _nothing, (), {}) is not None:
        raise CsrfFailed


def _nothing(request: HttpRequest) -> HttpResponse:
    """Stands for the view, which Django's check asks only whether it is exempt."""
    return HttpResponse()


# What it takes to see rows in the admin; and to change them there, where there is a form for it.
ADMIN_ACTIONS = {
    "accounts.user": Action.EDIT_PEOPLE,
    "accounts.membership": Action.EDIT_PEOPLE,
    "accounts.customer": Action.READ_PEOPLE,
    "accounts.apikey": Action.MANAGE_KEYS,
    "catalog.product": Action.EDIT_CATALOG,
    "catalog.category": Action.EDIT_CATALOG,
    "inventory.location": Action.EDIT_STORES,
    "inventory.stocklevel": Action.READ_STOCK,
    "inventory.stockmovement": Action.READ_STOCK,
    "inventory.stockdiscrepancy": Action.READ_STOCK,
    "sales.sale": Action.READ_SALES,
    "sales.tillsession": Action.SUPERVISE_TILL,
    "checkout.order": Action.READ_ORDERS,
    "replenishment.request": Action.READ_STOCK,
    "replenishment.suggestion": Action.READ_STOCK,
    "cart.cart": Action.READ_PEOPLE,
    "shared_kernel.auditentry": Action.READ_AUDIT,
    "shared_kernel.webhookendpoint": Action.MANAGE_KEYS,
    "shared_kernel.webhookdelivery": Action.MANAGE_KEYS,
}


class PolicyBackend(ModelBackend):
    """Logins by a form, and Django's permissions as the admin asks for them, answered by the chain's one policy.

    Some actions are allowed in some stores only; which rows that shows is for the admin of the rows to say.
    """

    def authenticate(self, request: Any, username: str | None = None, password: str | None = None, **_: Any) -> Any:
        """The person, or None. Raises ValidationError, which the forms show, when too many guesses were wrong."""
        try:
            person_id = accounts.verify_password(
                email=username or "", password=password or "", address=address_of(request)
            )
        except BadCredentials:
            return None
        except TooManyAttempts as refusal:
            minutes = ceil(refusal.retry_after / 60)
            sentence = ngettext(
                "Too many attempts: try again in %(count)d minute.",
                "Too many attempts: try again in %(count)d minutes.",
                minutes,
            )
            raise ValidationError(sentence % {"count": minutes}, code="too_many_attempts") from refusal
        return self.get_user(person_id)

    def get_user(self, user_id: Any) -> Any:
        """Who a session is of: nobody, once they may not act here any more."""
        user = super().get_user(user_id)
        if user is None:
            return None
        try:
            _actor_of(user)
        except PersonNotFound:
            return None
        return user

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        app_label, _, codename = perm.partition(".")
        return _may(user_obj, ADMIN_ACTIONS.get(f"{app_label}.{codename.rpartition('_')[2]}"))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(
            _may(user_obj, action) for model, action in ADMIN_ACTIONS.items() if model.partition(".")[0] == app_label
        )


def _may(user: Any, action: Action | None) -> bool:
    if action is None or not user.is_active or user.is_anonymous:
        return False
    return _actor_of(user).may(action)


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
