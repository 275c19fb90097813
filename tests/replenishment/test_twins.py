"""Writes at one time: twenty at once, and two of which the second starts before each statement of the first."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from accounts.interface import Role
from replenishment.interface import (
    AlreadyDecided,
    CentralStockTooLow,
    NotOnItsWay,
    Request,
    RequestStatus,
    Verdict,
    replenishment,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, client_of, make_product, post, put_in_stock
from tests.replenishment.actions import (
    HOUR,
    NOW,
    Chain,
    accept,
    approve,
    cancel,
    decide_all,
    line,
    receive,
    reject,
    request,
    ship,
    statuses,
    suggest_product,
    suggested,
)
from tests.threads import Call, Cut, at_once, cuts

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]


def twins(cut: Cut, call: Call) -> Any:
    """The one answer of a call that is sent twice."""
    first, second = cut(call, call)
    assert second == first
    return first


# --- Many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transit", [False, True])
def test_twenty_approvals_at_once_move_stock_once(transit: bool) -> None:
    chain = Chain(central=100, store=20, transit=transit)
    made = request(chain, 21)

    answers = at_once([partial(approve, made) for _ in range(20)])

    assert Counter(map(type, answers)) == {Request: 1, AlreadyDecided: 19}
    assert chain.shelves == (79, 20 if transit else 41)
    assert books_agree()


def test_one_approval_sent_twenty_times_at_once_moves_stock_once() -> None:
    chain, decision_id = Chain(central=100, store=20), new_id()
    made = request(chain, 21)

    answers = at_once([partial(approve, made, decision_id=decision_id) for _ in range(20)])

    assert {answer.status for answer in answers} == {RequestStatus.APPROVED}
    assert chain.shelves == (79, 41)


@pytest.mark.parametrize("transit", [False, True])
def test_requests_for_more_than_the_warehouse_holds_never_drive_it_below_zero(transit: bool) -> None:
    chain = Chain(central=100, store=0, transit=transit)
    made = [request(chain, 21) for _ in range(12)]

    answers = at_once([partial(approve, row) for row in made])

    assert Counter(map(type, answers)) == {Request: 4, CentralStockTooLow: 8}
    assert chain.shelves == (16, 0 if transit else 84)
    assert Counter(statuses(chain)) == {RequestStatus.APPROVED: 4, RequestStatus.PENDING: 8}
    assert books_agree()


def test_decisions_on_the_same_requests_in_another_order_do_not_stand_in_each_others_way() -> None:
    chain, other = Chain(central=1000, store=0), Chain(central=1000)
    ids = [request(chain, 2).id for _ in range(5)]
    ids += [request(chain, 2, product_id=other.product.id).id for _ in range(5)]

    batches = at_once([partial(decide_all, order) for order in (ids, ids[::-1], ids[5:] + ids[:5])])

    assert Counter(outcome.code for batch in batches for outcome in batch) == {"": 10, "already_decided": 20}
    assert chain.shelves == (990, 10)
    assert books_agree()


def test_decisions_sent_over_http_at_once_under_one_key_are_made_once() -> None:
    chain, key = Chain(central=100, store=20), {"Idempotency-Key": str(new_id())}
    logistics = client_of(Role.WAREHOUSE)
    body = {"request_ids": [str(request(chain, 5).id) for _ in range(4)], "verdict": "approve"}

    answers = at_once([partial(post, logistics, "/replenishment-requests/decisions/", body, **key)] * 5)

    codes = [[outcome["code"] for outcome in answer.json()["results"]] for answer in answers]
    assert codes == [[""] * 4] * 5
    assert chain.shelves == (80, 40)
    assert books_agree()


# --- The same write twice -------------------------------------------------------------------------------------------


def test_a_request_is_made_once() -> None:
    for cut in cuts():
        chain, request_id = Chain(), new_id()

        assert twins(cut, partial(request, chain, request_id=request_id)).status is RequestStatus.PENDING

        assert statuses(chain) == [RequestStatus.PENDING]


@pytest.mark.parametrize("transit", [False, True])
def test_an_approval_is_carried_out_once(transit: bool) -> None:
    for cut in cuts():
        chain, decision_id = Chain(central=21, store=20, transit=transit), new_id()
        made = request(chain, 21)

        assert twins(cut, partial(approve, made, decision_id=decision_id)).status is RequestStatus.APPROVED

        assert chain.shelves == (0, 20 if transit else 41)
    assert books_agree()


@pytest.mark.parametrize("decide", [reject, cancel])
def test_a_request_is_turned_down_or_taken_back_once(decide: Any) -> None:
    for cut in cuts():
        chain, decision_id = Chain(), new_id()

        twins(cut, partial(decide, request(chain), decision_id=decision_id))

        assert statuses(chain) in ([RequestStatus.REJECTED], [RequestStatus.CANCELLED])


def test_goods_are_shipped_once_and_received_once() -> None:
    for step in (ship, receive):
        for cut in cuts():
            chain, key = Chain(central=100, store=20, transit=True), new_id()
            made = request(chain, 21)
            approve(made)
            if step is ship:
                twins(cut, partial(ship, made, shipment_id=key))
                assert (chain.shelves, chain.in_transit) == ((79, 20), 21)
            else:
                ship(made)
                twins(cut, partial(receive, made, receipt_id=key))
                assert (chain.shelves, chain.in_transit) == ((79, 41), 0)
    assert books_agree()


def test_decisions_on_several_are_made_once() -> None:
    for cut in cuts():
        chain, decision_id = Chain(central=30, store=20), new_id()
        ids = [request(chain, 20).id, request(chain, 15).id]

        outcomes = twins(cut, partial(decide_all, ids, Verdict.APPROVE, decision_id=decision_id))

        assert [outcome.code for outcome in outcomes] == ["", "central_stock_too_low"]
        assert chain.shelves == (10, 40)
    assert books_agree()


def test_a_suggestion_is_accepted_once() -> None:
    for cut in cuts():
        chain, acceptance_id = Chain(store=2), new_id()
        assert suggest_product(chain)

        [accepted] = twins(cut, partial(accept, line(chain), acceptance_id=acceptance_id))

        assert accepted.request is not None
        assert statuses(chain) == [RequestStatus.PENDING]


def test_suggestions_are_worked_out_by_both() -> None:
    for cut in cuts():
        chain = Chain(store=2)
        gone = make_product()
        put_in_stock(gone, chain.store, 2)
        put_in_stock(gone, chain.warehouse, 2)
        replenishment.suggest(store_ids=[chain.store.id], now=NOW)
        put_in_stock(gone, chain.store, 50)

        assert twins(cut, partial(replenishment.suggest, store_ids=[chain.store.id], now=NOW + HOUR)) == 1

        assert [row.product_id for row in suggested(chain.store)] == [chain.product.id]


def test_one_products_suggestion_is_worked_out_by_both() -> None:
    for cut in cuts():
        chain = Chain(store=2)

        assert twins(cut, partial(suggest_product, chain)) == suggested(chain.store)[0]


# --- Two writes that want the same ----------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [reject, cancel])
def test_a_request_is_either_approved_or_not(other: Any) -> None:
    for cut in cuts():
        chain = Chain(central=100, store=20)
        made = request(chain, 21)

        granted, refused = cut(partial(approve, made), partial(other, made))

        if isinstance(refused, AlreadyDecided):
            assert granted.status is RequestStatus.APPROVED
            assert chain.shelves == (79, 41)
        else:
            assert isinstance(granted, AlreadyDecided)
            assert chain.shelves == (100, 20)
    assert books_agree()


def test_one_decision_counts_of_two_people() -> None:
    for cut in cuts():
        chain = Chain(central=100, store=20)
        made = request(chain, 21)

        answers = cut(partial(approve, made), partial(approve, made, quantity=5))

        [granted] = [answer for answer in answers if isinstance(answer, Request)]
        assert chain.shelves == (100 - granted.approved_quantity, 20 + granted.approved_quantity)
    assert books_agree()


def test_the_last_pieces_are_granted_once() -> None:
    for cut in cuts():
        chain = Chain(central=21, store=20)
        first, second = request(chain, 21), request(chain, 21)

        answers = cut(partial(approve, first), partial(approve, second))

        [refusal] = [answer for answer in answers if isinstance(answer, CentralStockTooLow)]
        assert refusal.available == 0
        assert chain.shelves == (0, 41)
    assert books_agree()


def test_goods_are_not_received_before_they_are_shipped() -> None:
    for cut in cuts():
        chain = Chain(central=100, store=20, transit=True)
        made = request(chain, 21)
        approve(made)

        shipped, received = cut(partial(ship, made), partial(receive, made))

        assert isinstance(shipped, Request)
        assert chain.shelves == ((79, 20) if isinstance(received, NotOnItsWay) else (79, 41))
    assert books_agree()


@pytest.mark.parametrize("asked_first", [True, False])
def test_a_suggestion_is_never_accepted_beside_a_request_made_meanwhile(asked_first: bool) -> None:
    for cut in cuts():
        chain = Chain(store=2)
        assert suggest_product(chain)
        ask, take = partial(request, chain, 5), partial(accept, line(chain))

        made, [accepted] = cut(ask, take) if asked_first else reversed(cut(take, ask))

        # Whoever asks by hand may do so beside an open request; a suggestion gives way.
        assert isinstance(made, Request)
        if accepted.request is None:
            assert accepted.code == "suggestion_gone"
            assert statuses(chain) == [RequestStatus.PENDING]
        else:
            assert statuses(chain) == [RequestStatus.PENDING] * 2
        assert suggested(chain.store) == []


def test_one_of_two_people_accepts_a_suggestion() -> None:
    for cut in cuts():
        chain = Chain(store=2)
        assert suggest_product(chain)

        answers = cut(partial(accept, line(chain)), partial(accept, line(chain)))

        assert sorted(acceptance.code for [acceptance] in answers) == ["", "suggestion_gone"]
        assert statuses(chain) == [RequestStatus.PENDING]


def test_a_suggestion_worked_out_beside_a_request_is_not_accepted() -> None:
    for cut in cuts():
        chain = Chain(store=2)
        assert suggest_product(chain)

        cut(partial(suggest_product, chain, now=NOW + HOUR), partial(request, chain, 5))

        [accepted] = accept(line(chain))
        assert accepted.code in {"suggestion_gone", "already_requested"}
        assert statuses(chain) == [RequestStatus.PENDING]
