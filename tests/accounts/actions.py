"""Customers and what they do, with the values that do not matter filled in; and all that the accounts hold."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from accounts.interface import AddressDraft, Customer, CustomerDraft, accounts
from accounts.tasks import send_letter
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id

EMAIL = "camille@example.com"
PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "an other horse with another staple"
TABLES = ["person", "membership", "address", "login", "api_key", "procrastinate_jobs"]


def draft(**values: Any) -> CustomerDraft:
    return CustomerDraft(**({"email": EMAIL, "name": "Camille", "password": PASSWORD} | values))


def register(customer_id: UUID | None = None, **values: Any) -> Customer:
    """A customer; `values` are those of a CustomerDraft that matter to the test."""
    return accounts.register(customer_id=customer_id or new_id(), draft=draft(**values))


def home(**values: Any) -> AddressDraft:
    fields = {"name": "Camille", "line1": "12 rue Mercière", "city": "Lyon", "postal_code": "69002", "country": "FR"}
    return AddressDraft(**(fields | values))


def customer_client(email: str = EMAIL) -> Client:
    """An API client of this customer, whose password is PASSWORD."""
    tokens = accounts.log_in(email=email, password=PASSWORD, address="")
    return Client(headers={"Authorization": f"Bearer {tokens.access}"})


def letters() -> list[Any]:
    """Lets the worker send the letters that wait, and takes them out of the post: all that were sent by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH sent AS (DELETE FROM procrastinate_jobs WHERE task_name = 'send_letter' RETURNING id, args)"
            " SELECT args ->> 'person_id', args ->> 'letter' FROM sent ORDER BY id"
        )
        jobs = cursor.fetchall()
    for person_id, letter in jobs:
        send_letter(person_id=person_id, letter=letter)
    return mail.outbox


def code_in(letter: Any) -> str:
    """The code that a letter holds."""
    [code] = re.findall(r"\b[0-9a-f]{32}\.\S+", letter.body)
    return str(code)


def everything() -> dict[str, list[Any]]:
    """All rows that the accounts own, and the jobs that wait."""
    rows = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
    return rows


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refused(kind: type[Refusal]) -> Iterator[Any]:
    """Expects this refusal, and that nothing has changed."""
    with nothing_changes(), pytest.raises(kind) as refusal:
        yield refusal
