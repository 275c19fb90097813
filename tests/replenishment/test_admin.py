"""Requests and suggestions in the admin: read by their stores, decided on by the warehouse, each decision once."""

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import inventory
from replenishment.interface import RequestStatus, replenishment
from replenishment.models import Suggestion
from shared_kernel.ids import new_id
from tests.admin import Step, browser, errors_of, person_of, shows_step, told
from tests.replenishment.actions import Chain, approve, everything, request, set_thresholds, statuses, suggest_product

pytestmark = pytest.mark.django_db

REQUESTS = "/admin/replenishment/request/"
SUGGESTIONS = "/admin/replenishment/suggestion/"


def shown(client: Client, path: str) -> set[str]:
    """What a list calls its rows."""
    return {row.admin_name for row in client.get(path).context["cl"].result_list}


def name(chain: Chain) -> str:
    return f"{chain.product.name}, {chain.store.name}"


def suggestion(chain: Chain) -> Suggestion:
    """A suggestion of 22 pieces for the chain's store."""
    set_thresholds(chain.store, chain.product, reorder_point=30, target=42)
    suggest_product(chain)
    return Suggestion.objects.get(store_id=chain.store.id)


def test_requests_are_found_by_store_by_state_and_by_product() -> None:
    one, other = Chain(), Chain()
    request(one)
    approve(request(other))
    client = browser(Role.WAREHOUSE)

    assert shown(client, REQUESTS) == {name(one), name(other)}
    assert shown(client, f"{REQUESTS}?store_id={one.store.id}") == {name(one)}
    assert shown(client, f"{REQUESTS}?status=approved") == {name(other)}
    assert shown(client, f"{REQUESTS}?q={one.product.name}") >= {name(one)}


def test_a_store_sees_its_own() -> None:
    own, other = Chain(), Chain()
    request(own)
    theirs = request(other)
    client = browser(Role.STORE_MANAGER, own.store)

    assert shown(client, REQUESTS) == {name(own)}
    assert client.get(f"{REQUESTS}{theirs.id}/change/").status_code == 302


def test_chosen_requests_are_approved() -> None:
    chain, other = Chain(), Chain()
    client = browser(Role.WAREHOUSE)
    step = Step(client, REQUESTS, "approve", request(chain).id, request(other, quantity=5).id)

    answer = step.submit(reason="on the van")

    assert told(answer, client) == ["2 of 2 done."]
    assert (chain.shelves, other.shelves) == ((79, 41), (95, 25))
    made = replenishment.requests(store_ids=[chain.store.id]).requests[0]
    assert (made.status, made.reason, made.decided_by) == ("approved", "on the van", person_of(client))
    assert {row.actor_id for row in inventory.movements(limit=4)} == {person_of(client)}


def test_an_approval_that_the_warehouse_cannot_serve_does_not_keep_the_others() -> None:
    chain, other = Chain(), Chain(central=10)
    client = browser(Role.WAREHOUSE)
    first, second = request(other, quantity=9), request(other, quantity=8)
    step = Step(client, REQUESTS, "approve", request(chain).id, first.id, second.id)

    *refusals, done = told(step.submit(), client)

    assert done == "2 of 3 done."
    assert len(refusals) == 1
    assert chain.shelves == (79, 41)
    assert sorted(statuses(other)) == [RequestStatus.APPROVED, RequestStatus.PENDING]


def test_chosen_requests_are_rejected_with_a_word_to_the_store() -> None:
    chain = Chain()
    client = browser(Role.WAREHOUSE)

    answer = Step(client, REQUESTS, "reject", request(chain).id).submit(reason="kept for Lille")

    assert told(answer, client) == ["1 of 1 done."]
    assert chain.shelves == (100, 20)
    made = replenishment.requests(store_ids=[chain.store.id]).requests[0]
    assert (made.status, made.reason, made.decided_by) == ("rejected", "kept for Lille", person_of(client))


def test_a_part_of_a_request_is_approved() -> None:
    chain = Chain()
    made, client = request(chain), browser(Role.WAREHOUSE)

    answer = Step(client, f"{REQUESTS}{made.id}/approve_part/").submit(**{f"row_{made.id}": "12"})

    assert told(answer, client) == [f"12 of {chain.product.name} approved."]
    assert chain.shelves == (88, 32)


def test_a_part_that_is_none_or_that_is_not_there_comes_back() -> None:
    chain = Chain(central=21)
    made, row = request(chain), "row_{}"
    step = Step(browser(Role.WAREHOUSE), f"{REQUESTS}{made.id}/approve_part/")
    approve(request(chain, quantity=6))
    before = everything()

    too_many, more = step.submit(**{row.format(made.id): "22"}), step.submit(**{row.format(made.id): "16"})

    assert list(errors_of(too_many)) == [f"row_{made.id}"]
    assert errors_of(more) == {f"row_{made.id}": ["The warehouse has 15 pieces available: ask for fewer."]}
    assert everything() == before


def test_what_was_decided_before_is_said_and_changes_nothing() -> None:
    chain = Chain()
    made, client = request(chain), browser(Role.WAREHOUSE)
    whole, part = Step(client, REQUESTS, "reject", made.id), Step(client, f"{REQUESTS}{made.id}/approve_part/")
    approve(made)
    before = everything()

    granted = part.submit(**{f"row_{made.id}": "3"})
    [refusal] = told(whole.submit(), client)

    assert list(errors_of(granted)) == ["__all__"]
    assert refusal.startswith(f"Request {made.id} is approved already")
    assert everything() == before


@pytest.mark.parametrize("shown_in", ["", "?status=pending"])
def test_a_decision_sent_twice_is_made_once(shown_in: str) -> None:
    chain = Chain()
    made, client = request(chain), browser(Role.WAREHOUSE)
    step = Step(client, f"{REQUESTS}{shown_in}", "approve", made.id)

    answers = [told(step.submit(), client) for _ in range(2)]

    assert answers == [["1 of 1 done."]] * 2
    assert chain.shelves == (79, 41)


def test_a_request_that_does_not_exist_is_not_approved() -> None:
    client = browser(Role.WAREHOUSE)

    answer = client.get(f"{REQUESTS}{new_id()}/approve_part/")

    assert told(answer, client) == ["There is nothing to do with these rows any more."]


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER])
def test_stores_do_not_decide(role: Role) -> None:
    chain = Chain()
    made = request(chain)
    step = Step(browser(Role.WAREHOUSE), REQUESTS, "approve", made.id)
    client = browser(role, chain.store)
    before = everything()

    sent = client.post(REQUESTS, step.chosen | step.hidden)
    part = client.post(f"{REQUESTS}{made.id}/approve_part/", step.hidden | {f"row_{made.id}": "3"})

    assert not shows_step(sent)
    assert part.status_code == 403
    assert everything() == before


# --- Suggestions -----------------------------------------------------------------------------------------------------


def test_an_accepted_suggestion_becomes_a_request() -> None:
    chain = Chain()
    row, client = suggestion(chain), browser(Role.STORE_MANAGER, chain.store)
    step = Step(client, SUGGESTIONS, "accept", row.pk)

    answer = step.submit(**{f"row_{row.pk}": "20"})

    assert told(answer, client) == ["1 of 1 done."]
    [made] = replenishment.requests(store_ids=[chain.store.id]).requests
    assert (made.quantity, made.status, made.requested_by) == (20, "pending", person_of(client))


def test_a_suggestion_accepted_twice_is_one_request() -> None:
    chain = Chain()
    row, client = suggestion(chain), browser(Role.STORE_MANAGER, chain.store)
    step = Step(client, SUGGESTIONS, "accept", row.pk)

    for _ in range(2):
        step.submit(**{f"row_{row.pk}": "20"})

    assert statuses(chain) == [RequestStatus.PENDING]


def test_a_suggestion_of_another_store_is_not_seen_and_not_accepted() -> None:
    chain = Chain()
    row = suggestion(chain)
    step = Step(browser(Role.STORE_MANAGER, chain.store), SUGGESTIONS, "accept", row.pk)
    stranger = browser(Role.STORE_MANAGER, Chain().store)
    before = everything()

    sent = stranger.post(SUGGESTIONS, step.chosen | step.hidden | {f"row_{row.pk}": "20"})

    assert told(sent, stranger) == ["There is nothing to do with these rows any more."]
    assert shown(stranger, SUGGESTIONS) == set()
    assert everything() == before
