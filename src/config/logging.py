"""Logs: one JSON object per line, with the request's id wherever a request is being served, and without secrets."""

import logging
import re
from functools import lru_cache
from typing import Any

import structlog
from django.views.debug import SafeExceptionReporterFilter

MASK = "***"

# `code` alone is one that was sent by mail: status codes and postal codes are nobody's secret.
_NAME = r"(?:\w+[-_])?(?:passwords?|secrets?|tokens?|authorization|api[-_]?keys?|cookies?|card|cvc)(?:[-_]\w+)?|code"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
# Secrets that are known by their looks, wherever they stand in a text: the group before each may stay.
_SECRET_TEXTS = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in [
        # An API key, whose beginning people may know.
        r"\b(cpt_[0-9a-f]{8}_)[\w-]+",
        # What webhooks are signed with.
        r"\b(whsec_)[\w-]+",
        # An access token; and what else a header authorizes with.
        r"\b()eyJ[\w-]+\.[\w-]+\.[\w-]+",
        r"\b((?:Bearer|Basic) +)[\w+/=.~-]{8,}",
        # A refresh token, or a code that was sent by mail: whose it is, and what proves it.
        r"\b([0-9a-f]{32}\.)[\w-]{20,}",
        # The password in the address of a server.
        r"(://[^\s:/@]*:)[^\s/@]+(?=@)",
        r"()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        # What stands under a secret's name, in JSON, in Python or in a form.
        rf"""((['"])(?:{_NAME})\2: *)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\d+)""",
        rf"""\b((?:{_NAME})=)(?:"[^"]*"|'[^']*'|[^\s&,;'")]+)""",
    ]
]
# Nearly all texts hold none of these, and need no closer look.
_HINTS = [
    *("cpt_", "whsec_", "eyj", "bearer", "basic", "://", "private key", "password", "secret", "token", "authorization"),
    *("api_key", "api-key", "apikey", "cookie", "card", "cvc", "code"),
]
_SHORTEST_CODE = 53


class SecretsFilter(SafeExceptionReporterFilter):
    """Hides in Django's error pages, beside what Django knows, the addresses of servers, which may hold passwords."""

    hidden_settings = re.compile(
        rf"{SafeExceptionReporterFilter.hidden_settings.pattern}|_URL|STORAGE$", flags=re.IGNORECASE
    )


def masked(value: Any) -> Any:
    """The same value without secrets, by what they are called and by what they look like, however deep they stand."""
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, dict):
        return {name: MASK if _is_secret(name) and item else masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(repr(value))


def _masked_text(text: str) -> str:
    small = text.lower()
    if any(hint in small for hint in _HINTS) or (len(text) >= _SHORTEST_CODE and "." in text):
        for pattern in _SECRET_TEXTS:
            text = pattern.sub(rf"\1{MASK}", text)
    return text


@lru_cache(maxsize=1000)
def _is_secret(name: object) -> bool:
    return isinstance(name, str) and _SECRET_NAME.fullmatch(name) is not None


def _mask(logger: Any, method: str, event: Any) -> Any:
    # What structlog itself needs stands under names that begin like this.
    return {
        name: item if name.startswith("_") else MASK if _is_secret(name) and item else masked(item)
        for name, item in event.items()
    }


# JSON in ASCII escapes every line break and control character, so no value can forge a line of its own.
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    _mask,
]

structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def json_formatter() -> logging.Formatter:
    """The formatter that `settings.LOGGING` names, for our own log lines and the libraries' alike."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
