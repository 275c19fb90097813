"""The one OpenAPI document: how both frameworks' parts become one."""

import io
import json

import pytest
from django.core.management import call_command

from config.openapi import METHODS, _merge


def test_the_command_prints_the_document_with_both_frameworks_paths() -> None:
    printed = io.StringIO()

    call_command("openapi", stdout=printed)

    document = json.loads(printed.getvalue())
    assert document["openapi"] == "3.1.1"
    assert {"/api/v1/products/", "/api/v1/auth/login/", "/api/v1/stores/", "/api/v1/sales/"} <= document["paths"].keys()


def test_a_name_that_both_frameworks_use_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^Both frameworks describe the path /a/, /b/: rename one\.$"):
        _merge({"/a/": {}, "/b/": {}, "/c/": {}}, {"/b/": {}, "/a/": {}}, "path")


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
