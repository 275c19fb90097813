"""What the worker does for people: letters, tried again while the mail server is away, and a clean house."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from accounts import tasks
from accounts.interface import accounts
from accounts.models import Login
from tests.accounts.actions import EMAIL, PASSWORD, register


def statuses() -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = 'send_letter'")
        return cursor.fetchall()


def test_the_worker_sends_a_letter(work: Callable[[str], None]) -> None:
    register()

    work("mail")

    assert [letter.to for letter in mail.outbox] == [[EMAIL]]
    assert statuses() == [("succeeded", 1)]


def test_a_letter_that_the_mail_server_does_not_take_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[str], None]
) -> None:
    def away(*arguments: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("accounts.service.passwords.send_mail", away)
    register()

    work("mail")

    assert mail.outbox == []
    assert statuses() == [("todo", 1)]


@pytest.mark.django_db
def test_the_clock_drops_the_logins_that_are_over() -> None:
    register()
    for _ in range(2):
        accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    Login.objects.filter(id=Login.objects.order_by("id")[0].id).update(
        refreshed_at=datetime.now(UTC) - timedelta(days=8)
    )

    tasks.forget_old_logins(timestamp=0)

    assert Login.objects.count() == 1
