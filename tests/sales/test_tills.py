"""Till sessions: what should be in a till, what was counted, and that nothing changes afterwards."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection

from accounts.interface import Role, accounts
from inventory.interface import LocationNotFound
from sales.interface import (
    CashDirection,
    Payment,
    PaymentMethod,
    TillAlreadyOpen,
    TillReport,
    TillSessionClosed,
    TillSessionNotFound,
    sales,
)
from shared_kernel.ids import new_id
from tests.chain import make_person, make_product, make_store, make_warehouse, sell
from tests.sales.actions import card, cash, close_till, euros, give_back, move_cash, open_till, refused

pytestmark = pytest.mark.django_db


def busy_till() -> TillReport:
    """A till with two sales, a return, an exchange of cash for change, and cash taken out."""
    store, service = make_store("Lyon"), make_product(stocked=False, price=Decimal("30.00"))
    session = open_till(store, opening_float="100.00")
    in_cash = sell(service, store, 2, payments=[cash("100.00")], till_session_id=session.id)
    sell(service, store, payments=[card("20.00"), cash("10.00")], till_session_id=session.id)
    sell(service, store)
    give_back(in_cash, till_session_id=session.id)
    move_cash(session, CashDirection.IN, "50.00")
    move_cash(session, CashDirection.OUT, "15.50")
    return sales.till_session(session_id=session.id)


def test_an_open_till_knows_what_should_be_in_it() -> None:
    report = busy_till()

    assert (report.tickets, report.returns, report.revenue) == (3, 1, euros("60.00"))
    assert report.payments == [
        Payment(PaymentMethod.CARD, euros("20.00")),
        Payment(PaymentMethod.CASH, euros("40.00")),
    ]
    assert report.expected_cash == euros("174.50")
    assert [(row.direction, row.amount, row.reason) for row in report.cash_movements] == [
        (CashDirection.IN, euros("50.00"), "change"),
        (CashDirection.OUT, euros("15.50"), "change"),
    ]
    assert (report.closed_at, report.z_number, report.counted_cash, report.difference) == (None, None, None, None)


def test_a_count_closes_the_till_with_its_difference() -> None:
    session, cashier, now = busy_till(), new_id(), datetime.now(UTC)

    report = close_till(session, "170.00", note="4.50 too few", actor_id=cashier, now=now)

    assert (report.expected_cash, report.counted_cash, report.difference) == (
        euros("174.50"),
        euros("170.00"),
        euros("-4.50"),
    )
    assert (report.closed_by, report.closed_at, report.z_number, report.note) == (cashier, now, 1, "4.50 too few")
    assert sales.till_session(session_id=session.id) == report


def test_a_session_names_its_store_and_its_people() -> None:
    store = make_store("Lyon")
    [cashier] = accounts.ids_by_email(emails=[make_person(Role.CASHIER, store)]).values()

    session = open_till(store, actor_id=cashier)
    report = close_till(session, "100.00", actor_id=cashier)

    assert (session.store_name, session.opened_by_name, session.closed_by_name) == ("Lyon", "cashier", None)
    assert report.closed_by_name == "cashier"


def test_a_till_has_one_open_session() -> None:
    store = make_store()
    session = open_till(store)

    with refused(TillAlreadyOpen) as refusal:
        open_till(store)

    assert (refusal.value.till, refusal.value.session_id) == ("Till 1", session.id)
    open_till(store, till="Till 2")
    open_till(make_store())


def test_opening_twice_under_one_id_is_one_session() -> None:
    store = make_store()
    arguments = {"session_id": new_id(), "actor_id": new_id(), "now": datetime.now(UTC)}

    assert open_till(store, **arguments) == open_till(store, **arguments)


def test_a_warehouse_has_no_tills() -> None:
    with refused(LocationNotFound):
        open_till(make_warehouse())


def test_closings_are_numbered_for_each_till() -> None:
    store = make_store()

    numbers = [close_till(open_till(store, till=till), "0.00").z_number for till in ("One", "One", "Two", "One", "Two")]

    assert numbers == [1, 2, 1, 3, 2]


def test_closing_twice_is_refused_but_the_same_closing_is_answered_again() -> None:
    session = open_till(make_store())
    arguments = {"actor_id": new_id(), "now": datetime.now(UTC)}
    report = close_till(session, "90.00", **arguments)

    assert close_till(session, "90.00", **arguments) == report
    with refused(TillSessionClosed) as refusal:
        close_till(session, "100.00", actor_id=arguments["actor_id"], now=arguments["now"] + timedelta(seconds=1))
    assert refusal.value.session_id == session.id


def test_cash_is_moved_once_under_one_id() -> None:
    session = open_till(make_store())
    arguments = {"movement_id": new_id(), "actor_id": new_id(), "now": datetime.now(UTC)}

    first = move_cash(session, CashDirection.IN, "5.00", **arguments)
    second = move_cash(session, CashDirection.IN, "5.00", **arguments)

    assert second == first
    assert second.expected_cash == euros("105.00")


def test_nothing_is_added_to_a_till_that_was_counted() -> None:
    store, service = make_store(), make_product(stocked=False)
    sale = sell(service, store)
    session = open_till(store)
    close_till(session, "100.00")

    with refused(TillSessionClosed):
        sell(service, store, till_session_id=session.id)
    with refused(TillSessionClosed):
        give_back(sale, till_session_id=session.id)
    with refused(TillSessionClosed):
        move_cash(session, CashDirection.OUT, "1.00")


def test_a_sale_repeated_after_the_count_is_answered() -> None:
    store, service = make_store(), make_product(stocked=False)
    session = open_till(store)
    by_id = {"sale_id": new_id(), "till_session_id": session.id}
    by_reference = {"client_reference": "T1/9", "till_session_id": session.id}
    before = [sell(service, store, **by_id), sell(service, store, **by_reference)]
    close_till(session, "100.00")

    assert [sell(service, store, **by_id), sell(service, store, **by_reference)] == before


def test_another_stores_till_takes_no_sale() -> None:
    store, service = make_store(), make_product(stocked=False)
    session = open_till(make_store())

    with refused(TillSessionClosed):
        sell(service, store, till_session_id=session.id)


def test_a_session_that_does_not_exist_is_not_found() -> None:
    store, service, nothing = make_store(), make_product(stocked=False), new_id()

    with refused(TillSessionNotFound) as refusal:
        sell(service, store, till_session_id=nothing)
    with pytest.raises(TillSessionNotFound):
        sales.till_session(session_id=nothing)
    with pytest.raises(TillSessionNotFound):
        sales.close_till(
            session_id=nothing, counted_cash=euros("1.00"), note="", actor_id=new_id(), now=datetime.now(UTC)
        )

    assert refusal.value.session_id == nothing


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE till_session SET counted_cash = 0",
        "DELETE FROM till_session",
        "UPDATE cash_movement SET amount = 1",
        "DELETE FROM cash_movement",
    ],
)
def test_the_database_refuses_to_change_a_till_that_was_counted(statement: str) -> None:
    session = open_till(make_store())
    move_cash(session, CashDirection.IN, "5.00")
    close_till(session, "105.00")

    with pytest.raises(DatabaseError, match="stays as it was"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_sessions_are_listed_latest_first_by_store_and_state() -> None:
    lyon, lille = make_store("Lyon"), make_store("Lille")
    closed = open_till(lyon)
    close_till(closed, "100.00")
    again, other = open_till(lyon), open_till(lille)

    def listed(**filters: object) -> list[object]:
        return [session.id for session in sales.till_sessions(**filters)]

    assert listed() == sorted([closed.id, again.id, other.id], reverse=True)
    assert listed(store_ids=[lyon.id]) == sorted([closed.id, again.id], reverse=True)
    assert listed(store_ids=[lyon.id], is_open=True) == [again.id]
    assert listed(is_open=False) == [closed.id]
    assert listed(before=listed(limit=1)[0]) == listed()[1:]


def test_what_is_open_is_listed_by_store_and_till() -> None:
    lyon, lille, service = make_store("Lyon"), make_store("Lille"), make_product(stocked=False)
    two, one, other = open_till(lyon, "Two"), open_till(lyon, "One"), open_till(lille, "One")
    close_till(open_till(lille, "Two"), "100.00")
    sell(service, lyon, 2, till_session_id=one.id)

    found = sales.open_till_sessions()

    assert [(session.store_name, session.till) for session in found] == [
        ("Lille", "One"),
        ("Lyon", "One"),
        ("Lyon", "Two"),
    ]
    assert [(session.id, session.tickets, session.revenue) for session in found] == [
        (other.id, 0, 0),
        (one.id, 1, euros("20.00")),
        (two.id, 0, 0),
    ]
    assert [session.id for session in sales.open_till_sessions(store_ids=[lille.id])] == [other.id]
