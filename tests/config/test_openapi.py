"""The one OpenAPI document: how both frameworks' parts become one."""

import io
import json

import pytest
from django.core.management import call_command
from django.http import HttpRequest
from ninja import NinjaAPI, Schema
from pydantic import create_model

from config.openapi import METHODS, Operations, _merge
from shared_kernel.ids import new_id


def test_the_command_prints_the_document_with_both_frameworks_paths() -> None:
    printed = io.StringIO()

    call_command("openapi", stdout=printed)

    document = json.loads(printed.getvalue())
    assert document["openapi"] == "3.1.1"
    assert {"/api/v1/products/", "/api/v1/auth/login/", "/api/v1/stores/", "/api/v1/sales/"} <= document["paths"].keys()


def test_a_name_that_both_frameworks_use_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^Both frameworks describe the path /a/, /b/: rename one\.$"):
        _merge({"/a/": {}, "/b/": {}, "/c/": {}}, {"/b/": {}, "/a/": {}}, "path")


def _operations(*answers: type[Schema]) -> NinjaAPI:
    """An API with an operation for each of these answers."""
    made = NinjaAPI(urls_namespace=str(new_id()), docs_url=None, openapi_url=None)
    for number, answer in enumerate(answers):

        def operation(request: HttpRequest) -> None: ...

        made.get(f"/{number}/", response=answer, operation_id=str(number))(operation)
    return made


def test_a_name_that_stands_for_two_things_is_an_error() -> None:
    one, same, another = (create_model("Answer", __base__=Schema, id=(kind, ...)) for kind in (int, int, str))

    assert Operations(_operations(one, same), path_prefix="").schemas.keys() == {"Answer"}
    with pytest.raises(ValueError, match=r"^Two operations describe different things as Answer: rename one\.$"):
        Operations(_operations(one, another), path_prefix="")


def test_every_operation_says_who_may_call_it_and_how_it_fails() -> None:
    printed = io.StringIO()
    call_command("openapi", stdout=printed)
    paths = json.loads(printed.getvalue())["paths"]
    operations = [operation for item in paths.values() for method, operation in item.items() if method in METHODS]

    assert {json.dumps(operation["security"]) for operation in operations} == {
        "[{}]",
        '[{"bearer": []}, {"api_key": []}]',
    }
    for operation in operations:
        assert operation["responses"].keys() >= {"401", "404", "405", "415", "422", "503"}
        assert operation["summary"]
