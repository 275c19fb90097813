"""Stores and stock over REST: who may do what, what is answered, and what is refused."""

from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from catalog.interface import Product
from inventory.interface import Location
from shared_kernel.ids import new_id
from tests.chain import client_of, level, make_product, make_store, make_warehouse, on_hand, post, put_in_stock
from tests.inventory.actions import everything, issue_departed, ledger, receive, reserve

pytestmark = pytest.mark.django_db

NOBODY = Client()


def get(client: Client, path: str) -> Any:
    return client.get(f"/api/v1{path}")


def put(client: Client, path: str, body: Any) -> Any:
    return client.put(f"/api/v1{path}", body, content_type="application/json")


def quantity(product: Product, pieces: int) -> dict[str, Any]:
    return {"product_id": str(product.id), "quantity": pieces}


def receipt(location: Location, product: Product, pieces: int = 5, **values: Any) -> dict[str, Any]:
    return {"location_id": str(location.id), "lines": [quantity(product, pieces)], **values}


def move(origin: Location, destination: Location, product: Product, pieces: int = 5) -> dict[str, Any]:
    return {
        "from_location_id": str(origin.id),
        "to_location_id": str(destination.id),
        "lines": [quantity(product, pieces)],
    }


def correction(location: Location, product: Product, delta: int = 1, **values: Any) -> dict[str, Any]:
    line = {"product_id": str(product.id), "delta": delta}
    return {"location_id": str(location.id), "lines": [line], "reason": "damaged", **values}


def shelf(store: Location, product: Product) -> str:
    return f"/stores/{store.id}/products/{product.id}/stock/"


def refusal(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


def invalid_fields(answer: Any) -> set[str]:
    assert refusal(answer) == (422, "invalid")
    return {error["field"] for error in answer.json()["errors"]}


# --- Stores ---------------------------------------------------------------------------------------------------------

BELLECOUR = {"name": "Bellecour", "address": "3 place Bellecour, Lyon", "time_zone": "Europe/Paris"}


def test_anybody_sees_the_stores_by_name_in_pages() -> None:
    make_warehouse()
    lille, bellecour = make_store("Lille"), make_store("Bellecour")

    first = get(NOBODY, "/stores/?page_size=1")
    second = get(NOBODY, "/stores/?page_size=1&page=2")

    assert first.status_code == 200
    assert first.json() == {
        "count": 2,
        "next": "http://testserver/api/v1/stores/?page_size=1&page=2",
        "previous": None,
        "results": [
            {
                "id": str(bellecour.id),
                "kind": "store",
                "name": "Bellecour",
                "address": bellecour.address,
                "time_zone": "Europe/Paris",
                "uses_transit": False,
                "lead_time_days": 2,
            }
        ],
    }
    assert [row["id"] for row in second.json()["results"]] == [str(lille.id)]
    assert second.json()["next"] is None
    assert second.json()["previous"] == "http://testserver/api/v1/stores/?page_size=1&page=1"


def test_head_office_opens_and_renames_a_store() -> None:
    head = client_of(Role.HEAD_OFFICE)

    opened = post(head, "/stores/", BELLECOUR)
    renamed = put(head, f"/stores/{opened.json()['id']}/", BELLECOUR | {"name": "Lyon"})

    assert opened.status_code == 201
    rest = {"kind": "store", "uses_transit": False, "lead_time_days": 2}
    assert opened.json() == {"id": opened.json()["id"], **rest, **BELLECOUR}
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Lyon")
    assert get(NOBODY, f"/stores/{opened.json()['id']}/").json() == renamed.json()


def test_a_store_without_a_time_zone_keeps_paris_time() -> None:
    body = {"name": "Bellecour", "address": "3 place Bellecour, Lyon"}

    assert post(client_of(Role.HEAD_OFFICE), "/stores/", body).json()["time_zone"] == "Europe/Paris"


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER, Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_nobody_else_edits_stores(role: Role) -> None:
    store = make_store()
    client = client_of(role, store)
    before = everything()

    assert refusal(post(client, "/stores/", BELLECOUR)) == (403, "not_allowed")
    assert refusal(put(client, f"/stores/{store.id}/", BELLECOUR)) == (403, "not_allowed")
    assert refusal(post(NOBODY, "/stores/", BELLECOUR)) == (401, "login_required")
    assert everything() == before


def test_a_name_that_is_taken_is_refused() -> None:
    head = client_of(Role.HEAD_OFFICE)
    make_warehouse("Bellecour")
    other = make_store("Lille")

    opened, renamed = post(head, "/stores/", BELLECOUR), put(head, f"/stores/{other.id}/", BELLECOUR)

    assert (refusal(opened), refusal(renamed)) == ((409, "location_name_taken"), (409, "location_name_taken"))
    assert opened.json()["name"] == "Bellecour"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"address": "x" * 301}, "address"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"kind": "warehouse"}, "kind"),
    ],
)
def test_a_store_with_bad_values_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    head, before = client_of(Role.HEAD_OFFICE), everything()

    assert invalid_fields(post(head, "/stores/", BELLECOUR | changes)) == {field}
    assert everything() == before


def test_an_unknown_store_or_a_warehouse_is_not_found() -> None:
    head, clerk = client_of(Role.HEAD_OFFICE), client_of(Role.WAREHOUSE)
    product = make_product()

    for place_id in (new_id(), make_warehouse().id):
        for answer in (
            get(NOBODY, f"/stores/{place_id}/"),
            put(head, f"/stores/{place_id}/", BELLECOUR),
            get(clerk, f"/stores/{place_id}/stock/"),
            get(clerk, f"/stores/{place_id}/products/{product.id}/stock/"),
            put(clerk, f"/stores/{place_id}/products/{product.id}/stock/", {"quantity": 1}),
        ):
            assert refusal(answer) == (404, "location_not_found")
            assert answer.json()["location_ids"] == [str(place_id)]


# --- What is where --------------------------------------------------------------------------------------------------


def test_a_stores_stock_is_a_page_of_rows() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 12)
    reserve(store, (product, 3))

    answer = get(client_of(Role.CASHIER, store), f"/stores/{store.id}/stock/")

    assert answer.status_code == 200
    assert answer.json() == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [
            {
                "product_id": str(product.id),
                "sku": product.sku,
                "product_name": product.name,
                "location_id": str(store.id),
                "location_name": store.name,
                "location_kind": "store",
                "on_hand": 12,
                "reserved": 3,
                "available": 9,
                "in_transit": 0,
                "reorder_point": 10,
                "target": None,
                "safety_stock": 0,
                "low": True,
            }
        ],
    }


def test_a_stores_stock_is_filtered_and_paged() -> None:
    store = make_store()
    tea, coffee = make_product(name="Tea"), make_product(name="Coffee")
    make_product(name="Juice")
    put_in_stock(tea, store, 20)
    put_in_stock(coffee, store, 3)
    client = client_of(Role.CASHIER, store)

    def names(query: str) -> list[str]:
        page = get(client, f"/stores/{store.id}/stock/?{query}").json()
        assert page["count"] >= len(page["results"])
        return [row["product_name"] for row in page["results"]]

    assert names("") == ["Coffee", "Juice", "Tea"]
    assert names("search=tee") == ["Tea"]
    assert names("low=true") == ["Coffee"]
    assert names("out=true") == []
    assert names("page_size=2") == ["Coffee", "Juice"]
    assert names("page_size=2&page=2") == ["Tea"]
    assert names("page=3") == []


def test_any_of_the_staff_reads_any_stores_stock_and_nobody_else_does() -> None:
    store, elsewhere = make_store(), make_store()

    assert get(client_of(Role.CASHIER, elsewhere), f"/stores/{store.id}/stock/").status_code == 200
    assert refusal(get(NOBODY, f"/stores/{store.id}/stock/")) == (401, "login_required")
    assert refusal(get(NOBODY, "/stock/central/")) == (401, "login_required")
    assert refusal(get(NOBODY, "/stock/movements/")) == (401, "login_required")


def test_the_central_stock_is_the_oldest_warehouses() -> None:
    central, product = make_warehouse("Central"), make_product()
    make_warehouse("Annex")
    put_in_stock(product, central, 7)

    page = get(client_of(Role.WAREHOUSE), "/stock/central/").json()

    assert [(row["location_name"], row["location_kind"], row["on_hand"]) for row in page["results"]] == [
        ("Central", "warehouse", 7)
    ]


def test_there_is_no_central_stock_without_a_warehouse() -> None:
    assert refusal(get(client_of(Role.WAREHOUSE), "/stock/central/")) == (404, "location_not_found")


def test_anybody_sees_where_a_product_is() -> None:
    store, central, product = make_store("Lille"), make_warehouse("Central"), make_product()
    put_in_stock(product, store, 7)

    page = get(NOBODY, f"/products/{product.id}/stock/").json()
    second = get(NOBODY, f"/products/{product.id}/stock/?page_size=1&page=2").json()

    assert [(row["location_id"], row["available"]) for row in page["results"]] == [
        (str(central.id), 0),
        (str(store.id), 7),
    ]
    assert (second["count"], [row["location_name"] for row in second["results"]]) == (2, ["Lille"])
    assert refusal(get(NOBODY, f"/products/{new_id()}/stock/")) == (404, "product_not_found")


def test_one_product_in_one_store_at_zero_where_it_never_was() -> None:
    store, product, clerk = make_store(), make_product(), client_of(Role.WAREHOUSE)

    answer = get(clerk, shelf(store, product))

    assert (answer.status_code, answer.json()["on_hand"], answer.json()["low"]) == (200, 0, False)
    unknown = get(clerk, f"/stores/{store.id}/products/{new_id()}/stock/")
    assert refusal(unknown) == (404, "product_not_found")
    assert refusal(get(NOBODY, shelf(store, product))) == (401, "login_required")


def test_anybody_asks_what_is_available() -> None:
    store, product, other = make_store(), make_product(), make_product()
    put_in_stock(product, store, 2)
    before = everything()
    items = [quantity(product, 2), quantity(other, 1)]

    anywhere = post(NOBODY, "/stock/check-availability/", {"items": items})
    here = post(NOBODY, "/stock/check-availability/", {"items": items[:1], "location_id": str(store.id)})

    assert anywhere.status_code == 200
    assert anywhere.json() == {
        "available": False,
        "items": [
            {
                "product_id": str(product.id),
                "requested": 2,
                "available": 2,
                "sufficient": True,
                "places": [{"location_id": str(store.id), "location_name": store.name, "available": 2}],
            },
            {"product_id": str(other.id), "requested": 1, "available": 0, "sufficient": False, "places": []},
        ],
    }
    assert here.json()["available"] is True
    assert everything() == before


def test_the_availability_of_nothing_or_the_unknown_is_refused() -> None:
    product, unknown = make_product(), str(new_id())
    path = "/stock/check-availability/"

    assert invalid_fields(post(NOBODY, path, {"items": []})) == {"items"}
    assert invalid_fields(post(NOBODY, path, {"items": [quantity(product, 0)]})) == {"items.0.quantity"}
    missing = post(NOBODY, path, {"items": [{"product_id": unknown, "quantity": 1}]})
    assert (refusal(missing), missing.json()["product_ids"]) == ((404, "product_not_found"), [unknown])
    nowhere = post(NOBODY, path, {"items": [quantity(product, 1)], "location_id": unknown})
    assert refusal(nowhere) == (404, "location_not_found")


# --- The ledger -----------------------------------------------------------------------------------------------------


def test_the_ledger_is_read_by_cursor_to_its_end() -> None:
    store, product, clerk = make_store(), make_product(), client_of(Role.WAREHOUSE)
    for pieces in (1, 2, 3, 4, 5):
        put_in_stock(product, store, pieces)

    deltas, address = [], "http://testserver/api/v1/stock/movements/?page_size=2"
    while address:
        page = clerk.get(address).json()
        assert page["previous"] is None
        assert "count" not in page
        deltas.append([row["delta"] for row in page["results"]])
        address = page["next"]

    assert deltas == [[5, 4], [3, 2], [1]]


def test_a_line_of_the_ledger_says_who_what_why_and_when() -> None:
    store, product, clerk = make_store(), make_product(), client_of(Role.WAREHOUSE)
    answer = post(clerk, "/stock/receipts/", receipt(store, product, 5, reference="BL-1042"))

    [row] = get(clerk, "/stock/movements/").json()["results"]

    assert row == answer.json()["movements"][0] | {
        "product_name": product.name,
        "location_name": store.name,
        "actor_name": str(Role.WAREHOUSE),
    }
    assert (row["delta"], row["before"], row["after"], row["reason"]) == (5, 0, 5, "receipt")
    assert (row["document"], row["note"]) == ("BL-1042", "")


def test_the_ledger_is_filtered_by_place_and_product_and_keeps_the_filter_in_next() -> None:
    one, other, tea, coffee = make_store(), make_store(), make_product(), make_product()
    for place in (one, other, one):
        receive(place, (tea, 1), (coffee, 1))
    clerk = client_of(Role.WAREHOUSE)

    first = get(clerk, f"/stock/movements/?location_id={one.id}&product_id={tea.id}&page_size=1").json()
    second = clerk.get(first["next"]).json()

    found = {(row["location_id"], row["product_id"]) for page in (first, second) for row in page["results"]}
    assert found == {(str(one.id), str(tea.id))}
    assert second["next"] is None


# --- Goods in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.HEAD_OFFICE, Role.STORE_MANAGER])
def test_goods_are_received_by_those_who_may(role: Role) -> None:
    store, product = make_store(), make_product()

    answer = post(client_of(role, store), "/stock/receipts/", receipt(store, product, 5))

    assert answer.status_code == 201
    [moved] = answer.json()["movements"]
    assert moved["operation_id"] == answer.json()["operation_id"]
    assert (moved["product_id"], moved["location_id"]) == (str(product.id), str(store.id))
    assert (moved["delta"], moved["before"], moved["after"]) == (5, 0, 5)
    assert on_hand(product, store) == 5


@pytest.mark.parametrize("role", [Role.CASHIER, Role.CATALOG_MANAGER])
def test_others_move_no_stock_at_all(role: Role) -> None:
    store, warehouse, product = make_store(), make_warehouse(), make_product()
    client = client_of(role, store)
    put_in_stock(product, store, 10)
    before = everything()

    for answer in (
        post(client, "/stock/receipts/", receipt(store, product)),
        post(client, "/stock/transfers/", move(store, warehouse, product)),
        post(client, "/stock/adjustments/", correction(store, product)),
        put(client, shelf(store, product), {"quantity": 3}),
    ):
        assert refusal(answer) == (403, "not_allowed")
    assert everything() == before


def test_a_manager_moves_stock_in_their_own_store_only() -> None:
    mine, other, warehouse, product = make_store(), make_store(), make_warehouse(), make_product()
    manager = client_of(Role.STORE_MANAGER, mine)
    for place in (mine, other, warehouse):
        put_in_stock(product, place, 10)
    before = everything()

    for answer in (
        post(manager, "/stock/receipts/", receipt(other, product)),
        post(manager, "/stock/receipts/", receipt(warehouse, product)),
        post(manager, "/stock/adjustments/", correction(other, product)),
        put(manager, shelf(other, product), {"quantity": 3}),
        post(manager, "/stock/transfers/", move(warehouse, mine, product)),
    ):
        assert refusal(answer) == (403, "not_allowed")
    assert everything() == before

    assert put(manager, shelf(mine, product), {"quantity": 3}).status_code == 200


def test_nobody_moves_stock_without_a_login() -> None:
    store, warehouse, product = make_store(), make_warehouse(), make_product()
    before = everything()

    for answer in (
        post(NOBODY, "/stock/receipts/", receipt(store, product), **{"Idempotency-Key": "1"}),
        post(NOBODY, "/stock/transfers/", move(store, warehouse, product)),
        post(NOBODY, "/stock/adjustments/", correction(store, product)),
        put(NOBODY, shelf(store, product), {"quantity": 3}),
    ):
        assert refusal(answer) == (401, "login_required")
    assert everything() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": None}, "lines"),
        ({"location_id": "here"}, "location_id"),
        ({"location_id": None}, "location_id"),
        ({"reference": "x" * 101}, "reference"),
        ({"actor_id": str(new_id())}, "actor_id"),
    ],
)
def test_a_receipt_with_bad_values_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()
    before = everything()

    assert invalid_fields(post(clerk, "/stock/receipts/", receipt(store, product) | changes)) == {field}
    assert everything() == before


@pytest.mark.parametrize("pieces", [0, -1, 1.5, "many", None, True, 1_000_001, 10**30])
def test_a_line_of_no_sensible_quantity_is_refused(pieces: Any) -> None:
    clerk, store, warehouse, product = client_of(Role.WAREHOUSE), make_store(), make_warehouse(), make_product()
    before = everything()

    for path, body in [
        ("/stock/receipts/", receipt(store, product, pieces)),
        ("/stock/transfers/", move(warehouse, store, product, pieces)),
    ]:
        assert invalid_fields(post(clerk, path, body)) == {"lines.0.quantity"}
    assert everything() == before


def test_more_lines_than_a_delivery_may_have_are_refused() -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()
    body = {"location_id": str(store.id), "lines": [quantity(product, 1)] * 501}

    assert invalid_fields(post(clerk, "/stock/receipts/", body)) == {"lines"}
    assert post(clerk, "/stock/receipts/", body | {"lines": body["lines"][1:]}).status_code == 201
    assert on_hand(product, store) == 500


def test_what_is_unknown_or_a_service_or_nowhere_is_not_received() -> None:
    clerk, store, product, service = (
        client_of(Role.WAREHOUSE),
        make_store(),
        make_product(),
        make_product(stocked=False),
    )
    unknown, before = str(new_id()), everything()

    line = post(
        clerk,
        "/stock/receipts/",
        receipt(store, product) | {"lines": [quantity(product, 1), {"product_id": unknown, "quantity": 1}]},
    )
    nowhere = post(clerk, "/stock/receipts/", receipt(store, product) | {"location_id": unknown})

    assert (refusal(line), line.json()["product_ids"]) == ((404, "product_not_found"), [unknown])
    assert (refusal(nowhere), nowhere.json()["location_ids"]) == ((404, "location_not_found"), [unknown])
    assert refusal(post(clerk, "/stock/receipts/", receipt(store, service))) == (409, "not_stocked")
    assert everything() == before


def test_more_than_a_shelf_can_ever_hold_is_refused() -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()
    put_in_stock(product, store, 2**31 - 1)
    before = everything()

    assert refusal(post(clerk, "/stock/receipts/", receipt(store, product, 1))) == (422, "invalid")
    assert everything() == before


@pytest.mark.parametrize("body", ["", "[", "[]", '"text"', '{"lines": 1, "lines": 2}'])
def test_a_body_that_is_no_json_object_is_refused(body: str) -> None:
    clerk = client_of(Role.WAREHOUSE)

    answer = clerk.post("/api/v1/stock/receipts/", body, content_type="application/json")

    assert answer.status_code in {400, 422}
    assert answer["Content-Type"] == "application/problem+json"


# --- Transfers ------------------------------------------------------------------------------------------------------


def test_goods_are_transferred_between_places() -> None:
    clerk, warehouse, store, product = client_of(Role.WAREHOUSE), make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 100)

    answer = post(clerk, "/stock/transfers/", move(warehouse, store, product, 21) | {"reference": "T-1"})

    assert answer.status_code == 201
    moved = {row["location_id"]: (row["delta"], row["document"]) for row in answer.json()["movements"]}
    assert moved == {str(warehouse.id): (-21, "T-1"), str(store.id): (21, "T-1")}
    assert (on_hand(product, warehouse), on_hand(product, store)) == (79, 21)


def test_a_transfer_of_too_much_names_each_line_that_lacks() -> None:
    clerk, warehouse, store = client_of(Role.WAREHOUSE), make_warehouse(), make_store()
    plenty, scarce = make_product(), make_product()
    put_in_stock(plenty, warehouse, 10)
    put_in_stock(scarce, warehouse, 2)
    put_in_stock(scarce, store, 1)
    before = everything()

    answer = post(
        clerk,
        "/stock/transfers/",
        move(warehouse, store, plenty) | {"lines": [quantity(plenty, 5), quantity(scarce, 3)]},
    )

    assert refusal(answer) == (409, "insufficient_stock")
    assert answer.json()["lines"] == [
        {
            "product_id": str(scarce.id),
            "location_id": str(warehouse.id),
            "requested": 3,
            "available": 2,
            "elsewhere": [{"location_id": str(store.id), "location_name": store.name, "available": 1}],
        }
    ]
    assert everything() == before


def test_a_transfer_to_the_same_place_or_from_nowhere_is_refused() -> None:
    clerk, warehouse, store, product = client_of(Role.WAREHOUSE), make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 10)
    before = everything()

    same = post(clerk, "/stock/transfers/", move(warehouse, warehouse, product))
    nowhere = post(clerk, "/stock/transfers/", move(warehouse, store, product) | {"from_location_id": str(new_id())})

    assert (refusal(same), refusal(nowhere)) == ((404, "location_not_found"), (404, "location_not_found"))
    assert everything() == before


# --- Corrections and counts -----------------------------------------------------------------------------------------


def test_damage_is_written_off_with_its_reason() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)

    answer = post(client_of(Role.STORE_MANAGER, store), "/stock/adjustments/", correction(store, product, -2))

    assert answer.status_code == 201
    assert [(row["delta"], row["note"], row["reason"]) for row in answer.json()["movements"]] == [
        (-2, "damaged", "adjustment")
    ]
    assert on_hand(product, store) == 8


def test_more_damage_than_there_are_goods_is_refused() -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()
    put_in_stock(product, store, 1)
    before = everything()

    answer = post(clerk, "/stock/adjustments/", correction(store, product, -2))

    assert refusal(answer) == (409, "insufficient_stock")
    assert [(line["requested"], line["available"]) for line in answer.json()["lines"]] == [(2, 1)]
    assert everything() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"lines": []}, "lines"),
        ({"lines": [{"product_id": "that one", "delta": 1}]}, "lines.0.product_id"),
        ({"lines": [{"product_id": str(new_id()), "delta": 0}]}, "lines.0.delta"),
        ({"lines": [{"product_id": str(new_id()), "delta": 1_000_001}]}, "lines.0.delta"),
        ({"lines": [{"product_id": str(new_id()), "delta": 1, "quantity": 1}]}, "lines.0.quantity"),
    ],
)
def test_a_correction_with_bad_values_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()
    before = everything()

    assert invalid_fields(post(clerk, "/stock/adjustments/", correction(store, product) | changes)) == {field}
    assert everything() == before


def test_a_count_sets_stock_and_thresholds() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 20)
    body = {"quantity": 18, "reason": "weekly count", "reorder_point": 5, "target": 30, "safety_stock": 2}

    answer = put(client_of(Role.STORE_MANAGER, store), shelf(store, product), body)

    assert answer.status_code == 200
    row = answer.json()
    assert (row["on_hand"], row["available"], row["low"]) == (18, 18, False)
    assert (row["reorder_point"], row["target"], row["safety_stock"]) == (5, 30, 2)
    assert ledger(product, store)[-1] == (-2, 20, 18, "count")


def test_a_count_leaves_the_thresholds_it_does_not_name() -> None:
    store, product, clerk = make_store(), make_product(), client_of(Role.WAREHOUSE)
    put(clerk, shelf(store, product), {"quantity": 18, "reorder_point": 5, "target": 30})

    put(clerk, shelf(store, product), {"quantity": 17, "target": None})

    row = level(product, store)
    assert (row.on_hand, row.reorder_point, row.target) == (17, 5, 30)
    assert ledger(product, store) == [(18, 0, 18, "count"), (-1, 18, 17, "count")]


def test_a_count_below_what_is_reserved_is_refused() -> None:
    store, product, clerk = make_store(), make_product(), client_of(Role.WAREHOUSE)
    put_in_stock(product, store, 20)
    reserve(store, (product, 3))
    before = everything()

    answer = put(clerk, shelf(store, product), {"quantity": 2})

    assert refusal(answer) == (409, "count_below_reserved")
    assert (answer.json()["counted"], answer.json()["reserved"]) == (2, 3)
    assert everything() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
        ({"quantity": 1, "reorder_point": -1}, "reorder_point"),
        ({"quantity": 1, "target": -1}, "target"),
        ({"quantity": 1, "safety_stock": -1}, "safety_stock"),
        ({"quantity": 1, "reason": "x" * 201}, "reason"),
        ({"quantity": 1, "on_hand": 1}, "on_hand"),
    ],
)
def test_a_count_with_bad_values_is_refused_by_field(body: dict[str, Any], field: str) -> None:
    store, product, clerk = make_store(), make_product(), client_of(Role.WAREHOUSE)
    before = everything()

    assert invalid_fields(put(clerk, shelf(store, product), body)) == {field}
    assert everything() == before


def test_a_count_of_a_service_or_the_unknown_is_refused() -> None:
    store, service, clerk = make_store(), make_product(stocked=False), client_of(Role.WAREHOUSE)

    assert refusal(put(clerk, shelf(store, service), {"quantity": 2})) == (409, "not_stocked")
    unknown = put(clerk, f"/stores/{store.id}/products/{new_id()}/stock/", {"quantity": 2})
    assert refusal(unknown) == (404, "product_not_found")


# --- Conventions ----------------------------------------------------------------------------------------------------


def test_a_repeated_call_is_answered_again_and_not_carried_out_again() -> None:
    clerk, warehouse, store, product = client_of(Role.WAREHOUSE), make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 10)
    put_in_stock(product, store, 10)

    for path, body in [
        ("/stock/receipts/", receipt(store, product)),
        ("/stock/transfers/", move(warehouse, store, product)),
        ("/stock/adjustments/", correction(store, product, -1)),
    ]:
        first = post(clerk, path, body, **{"Idempotency-Key": "key-1"})
        after_first = everything()
        second = post(clerk, path, body, **{"Idempotency-Key": "key-1"})

        assert (first.status_code, second.status_code) == (201, 201)
        assert second.json() == first.json()
        assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
        assert everything() == after_first
    assert (on_hand(product, warehouse), on_hand(product, store)) == (5, 19)


def test_a_repeated_opening_of_a_store_opens_one() -> None:
    head = client_of(Role.HEAD_OFFICE)

    first, second = (post(head, "/stores/", BELLECOUR, **{"Idempotency-Key": "key-1"}) for _ in range(2))

    assert second.json() == first.json()
    assert get(NOBODY, "/stores/").json()["count"] == 1


def test_a_used_key_with_another_body_is_refused() -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()
    post(clerk, "/stock/receipts/", receipt(store, product, 5), **{"Idempotency-Key": "key-1"})

    answer = post(clerk, "/stock/receipts/", receipt(store, product, 6), **{"Idempotency-Key": "key-1"})

    assert refusal(answer) == (422, "idempotency_key_reused")
    assert on_hand(product, store) == 5


def test_a_refused_call_does_not_use_up_its_key() -> None:
    clerk, warehouse, store, product = client_of(Role.WAREHOUSE), make_warehouse(), make_store(), make_product()
    body = move(warehouse, store, product)

    refused = post(clerk, "/stock/transfers/", body, **{"Idempotency-Key": "key-1"})
    put_in_stock(product, warehouse, 10)
    accepted = post(clerk, "/stock/transfers/", body, **{"Idempotency-Key": "key-1"})

    assert (refused.status_code, accepted.status_code) == (409, 201)
    assert "Idempotency-Replayed" not in accepted


def test_two_callers_may_use_one_key() -> None:
    store, product = make_store(), make_product()

    for _ in range(2):
        clerk = client_of(Role.WAREHOUSE)
        answer = post(clerk, "/stock/receipts/", receipt(store, product, 5), **{"Idempotency-Key": "key-1"})
        assert "Idempotency-Replayed" not in answer

    assert on_hand(product, store) == 10


@pytest.mark.parametrize("key", ["", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()

    answer = post(clerk, "/stock/receipts/", receipt(store, product), **{"Idempotency-Key": key})

    assert refusal(answer) == (422, "idempotency_key_invalid")
    assert on_hand(product, store) == 0


def test_a_missing_last_slash_is_forgiven_and_is_the_same_call() -> None:
    clerk, store, product = client_of(Role.WAREHOUSE), make_store(), make_product()

    first = post(clerk, "/stock/receipts", receipt(store, product, 5), **{"Idempotency-Key": "key-1"})
    second = post(clerk, "/stock/receipts/", receipt(store, product, 5), **{"Idempotency-Key": "key-1"})

    assert (first.status_code, second.json()) == (201, first.json())
    assert get(NOBODY, "/stores").status_code == 200
    assert put(clerk, shelf(store, product).rstrip("/"), {"quantity": 4}).json()["on_hand"] == 4


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/stores/?sort=name", "sort"),
        ("/stores/?page=0", "page"),
        ("/stores/?page_size=101", "page_size"),
        ("/stock/central/?serach=tea", "serach"),
        ("/stock/central/?low=perhaps", "low"),
        ("/stock/movements/?location=here", "location"),
        ("/stock/movements/?location_id=here", "location_id"),
        ("/stock/movements/?cursor=0", "cursor"),
        ("/stock/movements/?page=1", "page"),
    ],
)
def test_a_parameter_that_is_unknown_or_no_use_is_refused(path: str, field: str) -> None:
    make_warehouse()

    assert invalid_fields(get(client_of(Role.HEAD_OFFICE), path)) == {field}


def test_another_verb_is_refused_with_those_there_are() -> None:
    answer = client_of(Role.HEAD_OFFICE).delete("/api/v1/stock/receipts/")

    assert refusal(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "POST"


def test_discrepancies_are_listed_until_a_count_settles_them() -> None:
    store, tea, coffee = make_store("Lyon"), make_product(name="Tea"), make_product(name="Coffee")
    for product in (tea, coffee):
        issue_departed(store, (product, 2), document="sale T-17")
    manager = client_of(Role.STORE_MANAGER, store)
    path = "/stock/discrepancies/?page_size=1"

    first = get(manager, path).json()
    second = manager.get(first["next"]).json()

    [row] = first["results"]
    assert (row["product_name"], row["location_name"], row["missing"], row["document"], row["settled_at"]) == (
        "Tea",
        "Lyon",
        2,
        "sale T-17",
        None,
    )
    assert ([row["product_name"] for row in second["results"]], second["next"]) == (["Coffee"], None)
    put(manager, f"/stores/{store.id}/products/{tea.id}/stock/", {"quantity": 3})
    assert [row["product_name"] for row in get(manager, path).json()["results"]] == ["Coffee"]
    settled = get(manager, f"/stock/discrepancies/?settled=true&location_id={store.id}").json()["results"]
    assert [row["product_name"] for row in settled] == ["Tea"]
    assert refusal(get(NOBODY, path)) == (401, "login_required")
