"""Places and stock in the admin: places are edited; stock is moved by actions, each with its actor in the ledger."""

from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.interface import Role, accounts
from catalog.interface import Product
from inventory.interface import Location, inventory
from inventory.models import StockDiscrepancy, StockLevel, StockMovement
from tests.admin import Step, browser, errors_of, person_of, shows_step, told
from tests.chain import (
    PASSWORD,
    books_agree,
    level,
    make_person,
    make_product,
    make_store,
    make_warehouse,
    on_hand,
    put_in_stock,
)
from tests.inventory.actions import NOW, adjust, everything, issue_departed, ledger, reserve
from tests.threads import at_once, empty_queue

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
LAST_YEAR = "0193477a-5800-7b4c-aa0a-02718871ba2f"
PLACES = "/admin/inventory/location"
STOCK = "/admin/inventory/stocklevel/"
LEDGER = "/admin/inventory/stockmovement/"
DISCREPANCIES = "/admin/inventory/stockdiscrepancy/"


def place(**values: str) -> dict[str, str]:
    return {
        "kind": "warehouse",
        "name": "Central",
        "address": "",
        "time_zone": "Europe/Paris",
        "lead_time_days": "2",
    } | values


def shelf(product: Product, location: Location) -> int:
    """The key of a level's row."""
    return StockLevel.objects.get(product_id=product.id, location_id=location.id).pk


def stocked(location: Location, quantity: int = 10, **values: str) -> Product:
    product = make_product(**values)
    put_in_stock(product, location, quantity)
    return product


def errors_of_page(answer: Any) -> set[str]:
    """The fields beside which a form of Django's own says that something is wrong."""
    assert answer.status_code == 200
    return set(answer.context["adminform"].form.errors)


# --- Places ----------------------------------------------------------------------------------------------------------


def test_the_head_office_opens_the_first_warehouse() -> None:
    browser(Role.HEAD_OFFICE).post(f"{PLACES}/add/", place(uses_transit="on", lead_time_days="3"))

    warehouse = inventory.central()
    assert (warehouse.name, warehouse.uses_transit, warehouse.lead_time_days) == ("Central", True, 3)


def test_a_time_zone_that_does_not_exist_is_refused_beside_its_field() -> None:
    answer = browser(Role.HEAD_OFFICE).post(f"{PLACES}/add/", place(kind="store", time_zone="Europe/Atlantis"))

    assert "Not an IANA time zone, like Europe/Paris." in answer.content.decode()
    assert inventory.stores() == []


def test_a_place_without_its_fields_is_refused_beside_them() -> None:
    answer = browser(Role.HEAD_OFFICE).post(f"{PLACES}/add/", {})

    assert {"kind", "name"} <= errors_of_page(answer)
    assert inventory.stores() == []


def test_a_place_is_never_deleted() -> None:
    warehouse = make_warehouse()

    answer = browser(Role.HEAD_OFFICE).post(f"{PLACES}/{warehouse.id}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert inventory.central() == warehouse


@pytest.mark.parametrize("role", [Role.CASHIER, Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_other_roles_do_not_edit_places(role: Role) -> None:
    client = browser(role)
    before = inventory.stores()

    answer = client.post(f"{PLACES}/add/", place(kind="store"))

    assert answer.status_code == 403
    assert inventory.stores() == before


# --- What is where ---------------------------------------------------------------------------------------------------


def names(client: Client, path: str) -> set[str]:
    """The products that a list shows."""
    return {row.admin_name.partition(",")[0] for row in client.get(path).context["cl"].result_list}


def test_stock_is_found_by_product_by_place_and_by_what_it_lacks() -> None:
    paris, lyon = make_store("Paris"), make_store("Lyon")
    stocked(paris, 50, name="Clavier")
    stocked(paris, 4, name="Souris")
    adjust(lyon, (stocked(lyon, 3, name="Tasse"), -3))
    client = browser(Role.CASHIER, paris)

    assert names(client, STOCK) == {"Clavier", "Souris", "Tasse"}
    assert names(client, f"{STOCK}?q=clav") == {"Clavier"}
    assert names(client, f"{STOCK}?location__id__exact={lyon.id}") == {"Tasse"}
    assert names(client, f"{STOCK}?stock=low") == {"Souris", "Tasse"}
    assert names(client, f"{STOCK}?stock=out") == {"Tasse"}


def test_the_ledger_is_found_by_product_by_document_by_place_and_by_reason() -> None:
    paris, lyon = make_store("Paris"), make_store("Lyon")
    keyboard, mouse = stocked(paris, name="Clavier"), stocked(lyon, name="Souris")
    adjust(lyon, (mouse, -1))
    client = browser(Role.WAREHOUSE)

    assert names(client, f"{LEDGER}?q=souris") == {"Souris"}
    assert names(client, f"{LEDGER}?q=delivery") == {"Souris", "Clavier"}
    assert names(client, f"{LEDGER}?level__location__id__exact={paris.id}") == {"Clavier"}
    assert names(client, f"{LEDGER}?reason=adjustment") == {"Souris"}
    today, tomorrow = NOW.astimezone(PARIS).date(), NOW.astimezone(PARIS).date() + timedelta(days=1)
    assert names(client, f"{LEDGER}?recorded_at_from={today}&recorded_at_to={today}") == {"Souris", "Clavier"}
    assert names(client, f"{LEDGER}?recorded_at_from={tomorrow}") == set()
    assert names(client, f"{LEDGER}?recorded_at_from=0001-01-01&recorded_at_to=9999-12-31") == {"Souris", "Clavier"}
    assert names(client, f"{LEDGER}?recorded_at_from=nonsense") == {"Souris", "Clavier"}
    assert names(client, f"{LEDGER}?reason=nonsense") == {"Souris", "Clavier"}
    assert ledger(keyboard, paris) == [(10, 0, 10, "receipt")]


@pytest.mark.parametrize("path", [STOCK, LEDGER, DISCREPANCIES])
def test_nobody_writes_rows_of_stock(path: str) -> None:
    store = make_store()
    product = stocked(store)
    issue_departed(store, (product, 12))
    client = browser(Role.HEAD_OFFICE)
    row = {STOCK: StockLevel, LEDGER: StockMovement, DISCREPANCIES: StockDiscrepancy}[path].objects.first()
    assert row is not None
    before = everything()

    answers = [
        client.post(f"{path}add/", {"on_hand": "5"}),
        client.post(f"{path}{row.pk}/change/", {"on_hand": "5", "delta": "5", "missing": "5"}),
        client.post(f"{path}{row.pk}/delete/", {"post": "yes"}),
        client.post(path, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}),
    ]

    assert [answer.status_code for answer in answers[:3]] == [403] * 3
    assert everything() == before


# --- What is done with it --------------------------------------------------------------------------------------------


def test_a_correction_moves_each_row_by_what_was_said() -> None:
    store = make_store()
    keyboard, mouse, kept = stocked(store), stocked(store), stocked(store)
    client = browser(Role.STORE_MANAGER, store)
    step = Step(client, STOCK, "adjust", *(shelf(product, store) for product in (keyboard, mouse, kept)))

    answer = step.submit(
        **{
            f"row_{shelf(keyboard, store)}": "-2",
            f"row_{shelf(mouse, store)}": "3",
            f"row_{shelf(kept, store)}": "",
            "note": "broken",
        }
    )

    assert told(answer, client) == [f"Done: Correct the stock, {store.name}."]
    assert [on_hand(product, store) for product in (keyboard, mouse, kept)] == [8, 13, 10]
    movement = inventory.movements(product_id=keyboard.id, limit=1)[0]
    assert (movement.delta, movement.reason, movement.note, movement.actor_id) == (
        -2,
        "adjustment",
        "broken",
        person_of(client),
    )
    assert books_agree()


def test_a_correction_that_one_row_cannot_take_changes_none() -> None:
    store = make_store()
    keyboard, mouse = stocked(store), stocked(store)
    step = Step(browser(Role.STORE_MANAGER, store), STOCK, "adjust", shelf(keyboard, store), shelf(mouse, store))
    before = everything()

    answer = step.submit(**{f"row_{shelf(keyboard, store)}": "-2", f"row_{shelf(mouse, store)}": "-11", "note": "lost"})

    assert errors_of(answer) == {f"row_{shelf(mouse, store)}": ["Only 10 available."]}
    assert everything() == before


def test_a_form_without_a_quantity_or_a_reason_comes_back() -> None:
    store = make_store()
    product = stocked(store)
    step = Step(browser(Role.STORE_MANAGER, store), STOCK, "adjust", shelf(product, store))

    assert errors_of(step.submit(note="lost")) == {"__all__": ["Give a number of pieces for at least one row."]}
    assert errors_of(step.submit(**{f"row_{shelf(product, store)}": "1"})) == {"note": ["This field is required."]}
    assert on_hand(product, store) == 10


def test_counted_shelves_hold_what_was_counted() -> None:
    store = make_store()
    keyboard, mouse = stocked(store), stocked(store)
    client = browser(Role.STORE_MANAGER, store)
    step = Step(client, STOCK, "count", shelf(keyboard, store), shelf(mouse, store))

    answer = step.submit(**{f"row_{shelf(keyboard, store)}": "7", f"row_{shelf(mouse, store)}": "0"})

    assert told(answer, client) == [f"Done: Count the shelf, {store.name}."]
    assert ledger(keyboard, store)[-1] == (-3, 10, 7, "count")
    assert ledger(mouse, store)[-1] == (-10, 10, 0, "count")
    assert {row.actor_id for row in inventory.movements(limit=2)} == {person_of(client)}


@pytest.mark.django_db(transaction=True)
def test_a_count_below_what_is_kept_for_orders_changes_no_shelf() -> None:
    store = make_store()
    keyboard, mouse = stocked(store), stocked(store)
    reserve(store, (mouse, 4))
    step = Step(browser(Role.STORE_MANAGER, store), STOCK, "count", shelf(keyboard, store), shelf(mouse, store))
    before = everything()

    answer = step.submit(**{f"row_{shelf(keyboard, store)}": "7", f"row_{shelf(mouse, store)}": "3"})

    sentence = "4 pieces are reserved for orders: count again, or cancel an order first."
    assert errors_of(answer) == {f"row_{shelf(mouse, store)}": [sentence]}
    assert everything() == before
    empty_queue()


def test_goods_move_to_the_place_that_was_chosen() -> None:
    warehouse, store = make_warehouse(), make_store()
    keyboard, mouse = stocked(warehouse), stocked(warehouse)
    client = browser(Role.WAREHOUSE)
    step = Step(client, STOCK, "transfer", shelf(keyboard, warehouse), shelf(mouse, warehouse))

    step.submit(
        **{
            f"row_{shelf(keyboard, warehouse)}": "4",
            f"row_{shelf(mouse, warehouse)}": "1",
            "to": str(store.id),
            "document": "van 3",
        }
    )

    assert [(on_hand(product, warehouse), on_hand(product, store)) for product in (keyboard, mouse)] == [(6, 4), (9, 1)]
    assert {(row.document, row.actor_id) for row in inventory.movements(limit=4)} == {("van 3", person_of(client))}


def test_goods_do_not_move_to_where_they_are() -> None:
    warehouse = make_warehouse()
    product = stocked(warehouse)
    step = Step(browser(Role.WAREHOUSE), STOCK, "transfer", shelf(product, warehouse))

    answer = step.submit(**{f"row_{shelf(product, warehouse)}": "4", "to": str(warehouse.id)})

    assert list(errors_of(answer)) == ["to"]
    assert on_hand(product, warehouse) == 10


def test_a_form_sent_twice_acts_once() -> None:
    warehouse, store = make_warehouse(), make_store()
    product = stocked(warehouse)
    row, client = shelf(product, warehouse), browser(Role.WAREHOUSE)
    correction, count, transfer = (Step(client, STOCK, action, row) for action in ("adjust", "count", "transfer"))

    for _ in range(2):
        assert correction.submit(**{f"row_{row}": "-3", "note": "lost"}).status_code == 302
    assert on_hand(product, warehouse) == 7
    for _ in range(2):
        assert transfer.submit(**{f"row_{row}": "2", "to": str(store.id)}).status_code == 302
    assert (on_hand(product, warehouse), on_hand(product, store)) == (5, 2)
    for _ in range(2):
        assert count.submit(**{f"row_{row}": "9"}).status_code == 302
    assert [row[3] for row in ledger(product, warehouse)] == ["receipt", "adjustment", "transfer", "count"]


def test_a_key_that_another_write_has_used_is_no_other_write_s() -> None:
    store = make_store()
    product, other = stocked(store), stocked(store)
    client, taken = browser(Role.STORE_MANAGER, store), str(StockMovement.objects.latest("id").operation_id)

    for row, action in (
        (shelf(product, store), "adjust"),
        (shelf(other, store), "adjust"),
        (shelf(other, store), "count"),
    ):
        step = Step(client, STOCK, action, row)
        assert step.submit(**{f"row_{row}": "3", "note": "found", "operation_id": taken}).status_code == 302

    assert (on_hand(product, store), on_hand(other, store)) == (13, 3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.plain_calls
def test_a_form_sent_twice_at_once_acts_once() -> None:
    store = make_store()
    keyboard, mouse = stocked(store), stocked(store)
    shelves = [shelf(keyboard, store), shelf(mouse, store)]
    step = Step(browser(Role.STORE_MANAGER, store), STOCK, "count", *shelves)

    answers = at_once([partial(step.submit, **{f"row_{row}": "7" for row in shelves})] * 4)

    assert [answer.status_code for answer in answers] == [302] * 4
    assert ledger(keyboard, store) == ledger(mouse, store) == [(10, 0, 10, "receipt"), (-3, 10, 7, "count")]
    empty_queue()


@pytest.mark.parametrize("key", ["", "nonsense", "550e8400-e29b-41d4-a716-446655440001", LAST_YEAR])
def test_a_form_whose_key_is_not_ours_or_old_does_nothing(key: str) -> None:
    store = make_store()
    product = stocked(store)
    row, client = shelf(product, store), browser(Role.STORE_MANAGER, store)

    correction = Step(client, STOCK, "adjust", row).submit(**{f"row_{row}": "1", "note": "found", "operation_id": key})
    count = Step(client, STOCK, "count", row).submit(**{f"row_{row}": "1", "operation_id": key})

    assert list(errors_of(correction)) == list(errors_of(count)) == ["operation_id"]
    assert on_hand(product, store) == 10


def test_rows_of_two_places_are_not_moved_together() -> None:
    paris, lyon = make_store(), make_store()
    rows = [shelf(stocked(paris), paris), shelf(stocked(lyon), lyon)]
    client = browser(Role.HEAD_OFFICE)

    answer = client.post(STOCK, {"action": "count", "_selected_action": [str(row) for row in rows]})

    assert told(answer, client) == ["Choose rows of one place at a time."]


def test_a_row_that_cannot_be_one_is_a_bad_request() -> None:
    stocked(make_store())

    answer = browser(Role.HEAD_OFFICE).post(STOCK, {"action": "count", "_selected_action": ["nonsense"]})

    assert answer.status_code == 400


# --- Who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.CASHIER, set()),
        (Role.CATALOG_MANAGER, set()),
        (Role.STORE_MANAGER, {"count", "adjust"}),
        (Role.WAREHOUSE, {"count", "adjust", "transfer"}),
        (Role.HEAD_OFFICE, {"count", "adjust", "transfer"}),
    ],
)
def test_the_policy_says_what_is_offered(role: Role, allowed: set[str]) -> None:
    store = make_store()
    row = shelf(stocked(store), store)
    client = browser(role, store)
    before = everything()

    form = client.get(STOCK).context["action_form"]
    answers = {
        action: client.post(STOCK, {"action": action, "_selected_action": [str(row)]})
        for action in ("count", "adjust", "transfer")
    }

    assert {name for name, _ in form.fields["action"].choices if name} == allowed if form else not allowed
    assert {action for action, answer in answers.items() if shows_step(answer)} == allowed
    assert everything() == before


@pytest.mark.parametrize("action", ["count", "adjust"])
def test_a_manager_of_another_store_is_refused(action: str) -> None:
    store = make_store()
    product = stocked(store)
    row = shelf(product, store)
    step = Step(browser(Role.STORE_MANAGER, store), STOCK, action, row)
    stranger = browser(Role.STORE_MANAGER, make_store())
    before = everything()

    shown = stranger.post(STOCK, step.chosen)
    sent = stranger.post(STOCK, step.chosen | step.hidden | {f"row_{row}": "3", "note": "mine"})

    assert [shown.status_code, sent.status_code] == [403, 403]
    assert everything() == before


@pytest.mark.parametrize("token", ["Basic abc", "Bearer nonsense", "another's"])
def test_the_session_alone_says_who_acts(token: str) -> None:
    store = make_store()
    row = shelf(stocked(store), store)
    if token == "another's":
        email = make_person(Role.HEAD_OFFICE)
        token = f"Bearer {accounts.log_in(email=email, password=PASSWORD, address='').access}"
    client = browser(Role.STORE_MANAGER, make_store())

    answer = client.post(STOCK, {"action": "count", "_selected_action": [str(row)]}, headers={"Authorization": token})

    assert answer.status_code == 403


# --- Discrepancies ---------------------------------------------------------------------------------------------------


def test_a_count_settles_the_discrepancies_of_a_shelf() -> None:
    store = make_store()
    product = stocked(store, 2, name="Souris")
    issue_departed(store, (product, 5))
    issue_departed(store, (product, 1))
    client = browser(Role.STORE_MANAGER, store)
    rows = list(StockDiscrepancy.objects.values_list("pk", flat=True))
    step = Step(client, DISCREPANCIES, "count", *rows)

    answer = step.submit(**{f"row_{shelf(product, store)}": "4"})

    assert told(answer, client) == [f"Done: Count the shelf, {store.name}."]
    assert level(product, store).on_hand == 4
    assert inventory.discrepancies() == []
    assert names(client, f"{DISCREPANCIES}?settled=yes") == {"Souris"}
    assert names(client, f"{DISCREPANCIES}?settled=no") == set()
