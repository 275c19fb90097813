"""Carts in the admin: to be read, by whoever may read people."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils.timezone import localdate

from accounts.interface import Role
from tests.accounts.actions import register
from tests.admin import browser
from tests.cart.actions import DAY, NOW, Owner, add, goods, nothing_changes, owner_of, visitor
from tests.chain import make_store

pytestmark = pytest.mark.django_db

CARTS = "/admin/cart/cart/"


def camille() -> Owner:
    return owner_of(register(email="camille@example.com", name="Camille Martin").id)


def shown(client: Client, query: str = "") -> list[str]:
    """What the list calls its rows."""
    return [row.admin_name for row in client.get(f"{CARTS}{query}").context["cl"].result_list]


def test_carts_are_listed_with_whose_they_are_and_what_they_hold() -> None:
    own, anonymous = camille(), visitor()
    keyboard, mouse = goods(name="Keyboard", price=Decimal("49.90")), goods(name="Mouse")
    add(own, keyboard, 2, now=NOW + DAY)
    add(own, mouse, 1, now=NOW + DAY)
    client = browser(Role.HEAD_OFFICE)

    page = client.get(CARTS)

    rows = page.context["cl"].result_list
    assert [row.admin_name for row in rows] == ["Camille Martin <camille@example.com>", str(anonymous.cart_id)]
    text = page.content.decode()
    assert "Camille Martin &lt;camille@example.com&gt;" in text
    assert "109.80" in text
    assert "0.00" in text


def test_a_cart_shows_its_lines() -> None:
    own = camille()
    add(own, goods(name="<b>Keyboard</b>", price=Decimal("49.90")), 2)

    text = browser(Role.HEAD_OFFICE).get(f"{CARTS}{own.cart_id}/change/").content.decode()

    assert "&lt;b&gt;Keyboard&lt;/b&gt;" in text
    assert "<b>Keyboard</b>" not in text
    assert "49.90" in text
    assert "99.80" in text


def test_a_cart_is_found_by_its_customer_and_by_the_day() -> None:
    own, anonymous = camille(), visitor(now=NOW - 9 * DAY)
    add(own, goods())
    client = browser(Role.STORE_MANAGER, make_store())

    assert shown(client, "?q=martin") == ["Camille Martin <camille@example.com>"]
    assert shown(client, "?q=nobody") == []
    last_week = localdate(NOW - 7 * DAY)
    assert shown(client, f"?touched_at_to={last_week}") == [str(anonymous.cart_id)]


@pytest.mark.parametrize("role", [Role.CASHIER, Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_whoever_may_not_read_people_sees_no_carts(role: Role) -> None:
    own = camille()
    client = browser(role, make_store())

    assert [client.get(f"{CARTS}{path}").status_code for path in ("", f"{own.cart_id}/change/")] == [403, 403]


def test_nobody_changes_a_cart_in_the_admin() -> None:
    own = camille()
    add(own, goods())
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        assert client.get(f"{CARTS}add/").status_code == 403
        assert client.post(f"{CARTS}{own.cart_id}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(f"{CARTS}{own.cart_id}/change/", {"touched_at_0": "2020-01-01"}).status_code == 403
