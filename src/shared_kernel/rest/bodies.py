"""Request bodies: strict JSON. What is not exactly understood is refused, never guessed at or dropped."""

import json
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import IO, Annotated, Any, Never

from django.http import HttpRequest
from ninja import Schema
from ninja.parser import Parser
from pydantic import BeforeValidator, ConfigDict
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

MAX_DEPTH = 32


def _refuse_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not true or false")  # noqa: TRY004 pydantic reports ValueErrors
    return value


def _refuse_timestamp(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("a day is wanted, as 2026-12-31")
    return value


# Python takes true for 1, and pydantic takes 0 for the first day of 1970: neither is what a caller means.
Whole = Annotated[int, BeforeValidator(_refuse_boolean)]
Amount = Annotated[Decimal, BeforeValidator(_refuse_boolean)]
Day = Annotated[date, BeforeValidator(_refuse_timestamp)]


class Body(Schema):
    """The base of every request body: a field that is not part of it is an error, so nobody sets what is not theirs."""

    model_config = ConfigDict(extra="forbid")


def example(**body: Any) -> ConfigDict:
    """A body's configuration: unknown fields refused, and this example in the document."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [body]})


# What examples are about: the demonstration has them, so that they can be tried.
KEYBOARD = "550e8400-e29b-41d4-a716-446655440001"
STORE = "33333333-3333-3333-3333-333333333331"
WAREHOUSE = "11111111-1111-1111-1111-111111111111"


def parse_json(body: bytes) -> Any:
    """The value that a JSON text stands for. Numbers with a point become Decimal.

    Raises ValueError, with a sentence for the caller, for text that is not JSON, and for what JSON readers disagree
    about: NaN and infinities, a key given twice, lone surrogates, NUL characters (which Postgres cannot store), and
    nesting deeper than MAX_DEPTH.
    """
    try:
        value = json.loads(
            body.decode(),
            parse_int=partial(_number, int),
            parse_float=partial(_number, Decimal),
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise ValueError("The body is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"The body is not JSON: {error}.") from error
    except RecursionError as error:
        raise ValueError("The body is nested too deeply.") from error
    _check(value, depth=0)
    return value


def _number(kind: type[int] | type[Decimal], text: str) -> int | Decimal:
    try:
        return kind(text)
    except (ValueError, InvalidOperation) as error:
        raise ValueError("A number is out of range.") from error


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"The key {twice!r} is given twice.")
    return result


def _check(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("The body is nested too deeply.")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key)
            _check(item, depth=depth + 1)


def check_text(text: str) -> None:
    """Raises ValueError for text that cannot be stored: with a NUL character or half a surrogate pair."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("A text holds a NUL character or half a surrogate pair.")


class NinjaParser(Parser):
    """Strict JSON for django-ninja."""

    def parse_body(self, request: HttpRequest) -> Any:
        return parse_json(request.body)


class StrictJSONParser(JSONParser):
    """Strict JSON for Django REST framework."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return parse_json(stream.read())
        except ValueError as error:
            raise ParseError(str(error)) from error


class Text(serializers.CharField):
    """A JSON string, where Django REST framework's own field would take a number for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("A text is wanted, in quotes.")
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer[Any]):
    """The base of every request body that Django REST framework reads: unknown fields are errors here too."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = set(self.initial_data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(sorted(unknown), "This field is not part of the body."))
        return attrs

    @classmethod
    def of(cls, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """The validated values of a request's body; `partial` takes some of them. Raises DRF's ValidationError."""
        body = cls(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = body.validated_data
        return values
