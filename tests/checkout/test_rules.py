"""From where goods are sent: from as few places as possible, and the warehouse first."""

from itertools import combinations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from checkout.interface import OrderStatus
from checkout.rules import NEXT, Parcel, Shelf, parcels, quantity_errors, reference
from shared_kernel.ids import new_id

MOUSE, KEYBOARD, CABLE = (UUID(int=number) for number in (1, 2, 3))
CENTRAL, LYON, LILLE, NICE = (UUID(int=number) for number in (11, 12, 13, 14))


def central(**pieces: int) -> Shelf:
    return Shelf(CENTRAL, is_warehouse=True, pieces=_named(pieces))


def store(location_id: UUID, **pieces: int) -> Shelf:
    return Shelf(location_id, is_warehouse=False, pieces=_named(pieces))


def _named(pieces: dict[str, int]) -> dict[UUID, int]:
    return {{"mouse": MOUSE, "keyboard": KEYBOARD, "cable": CABLE}[name]: number for name, number in pieces.items()}


def test_the_warehouse_sends_what_it_has() -> None:
    shelves = [store(LYON, mouse=9), central(mouse=2)]

    assert parcels({MOUSE: 2}, shelves) == [Parcel(CENTRAL, {MOUSE: 2})]


def test_one_store_that_has_everything_comes_before_two_places() -> None:
    shelves = [central(mouse=1), store(LYON, mouse=1, keyboard=1), store(LILLE, keyboard=9)]

    assert parcels({MOUSE: 1, KEYBOARD: 1}, shelves) == [Parcel(LYON, {MOUSE: 1, KEYBOARD: 1})]


def test_of_two_stores_the_one_with_most_to_spare_sends() -> None:
    shelves = [store(LYON, mouse=2), store(LILLE, mouse=5)]

    assert parcels({MOUSE: 2}, shelves) == [Parcel(LILLE, {MOUSE: 2})]


def test_where_it_must_be_split_the_warehouse_sends_its_share_first() -> None:
    shelves = [store(LYON, mouse=5), central(mouse=3), store(LILLE, mouse=5)]

    assert parcels({MOUSE: 6}, shelves) == [Parcel(CENTRAL, {MOUSE: 3}), Parcel(LYON, {MOUSE: 3})]


def test_two_stores_that_suffice_come_before_three_places_with_the_warehouse() -> None:
    shelves = [central(mouse=1), store(LYON, mouse=3, keyboard=1), store(LILLE, mouse=3), store(NICE, keyboard=1)]

    assert parcels({MOUSE: 6, KEYBOARD: 1}, shelves) == [
        Parcel(LYON, {MOUSE: 3, KEYBOARD: 1}),
        Parcel(LILLE, {MOUSE: 3}),
    ]


def test_what_all_places_together_do_not_hold_is_not_sent_at_all() -> None:
    assert parcels({MOUSE: 6, KEYBOARD: 1}, [central(mouse=3), store(LYON, mouse=2, keyboard=9)]) is None


def test_nothing_is_sent_from_nowhere() -> None:
    assert parcels({MOUSE: 1}, []) is None


PRODUCTS = st.sampled_from([MOUSE, KEYBOARD, CABLE])
WANTED = st.dictionaries(PRODUCTS, st.integers(1, 5), min_size=1)
SHELVES = st.lists(st.tuples(st.booleans(), st.dictionaries(PRODUCTS, st.integers(0, 4))), max_size=6).map(
    lambda rows: [Shelf(UUID(int=100 + number), *row) for number, row in enumerate(rows)]
)


@given(WANTED, SHELVES)
def test_no_fewer_places_would_do(wanted: dict[UUID, int], shelves: list[Shelf]) -> None:
    def serve(places: tuple[Shelf, ...]) -> bool:
        return all(sum(place.pieces.get(product, 0) for place in places) >= n for product, n in wanted.items())

    enough = [number for number in range(len(shelves) + 1) if any(map(serve, combinations(shelves, number)))]
    sent = parcels(wanted, shelves)

    assert (None if sent is None else len(sent)) == min(enough, default=None)


@given(WANTED, SHELVES)
def test_every_piece_is_sent_once_from_where_it_is(wanted: dict[UUID, int], shelves: list[Shelf]) -> None:
    held = {shelf.location_id: shelf.pieces for shelf in shelves}
    sent = parcels(wanted, shelves) or []

    if sent:
        assert {product: sum(parcel.pieces.get(product, 0) for parcel in sent) for product in wanted} == wanted
    assert len({parcel.location_id for parcel in sent}) == len(sent)
    for parcel in sent:
        assert all(0 < number <= held[parcel.location_id][product] for product, number in parcel.pieces.items())


def test_many_shelves_with_little_on_each_are_chosen_from_in_bounded_time() -> None:
    products = [UUID(int=number) for number in range(20)]
    shelves = [
        Shelf(UUID(int=1000 + place), False, {product: (place + number) % 2 for number, product in enumerate(products)})
        for place in range(60)
    ]
    wanted = dict.fromkeys(products, 7)

    sent = parcels(wanted, shelves) or []

    assert {product: sum(parcel.pieces.get(product, 0) for parcel in sent) for product in products} == wanted


def test_a_reference_has_eight_signs_that_nobody_mistakes() -> None:
    made = {reference(new_id()) for _ in range(1000)}

    assert len(made) == 1000
    assert {len(each) for each in made} == {8}
    assert not set("".join(made)) & set("01IO")
    assert reference(UUID(int=0)) == "22222222"
    assert reference(UUID(int=(1 << 40) - 1)) == "ZZZZZZZZ"


def test_an_order_is_of_something_and_not_of_everything() -> None:
    assert quantity_errors([1]) == quantity_errors([1_000_000] * 100) == []
    assert [error["field"] for error in quantity_errors([])] == ["products"]
    assert [error["field"] for error in quantity_errors([1] * 101)] == ["products"]
    assert [error["field"] for error in quantity_errors([0])] == ["quantity"]
    assert [error["field"] for error in quantity_errors([1_000_001])] == ["quantity"]


def test_nothing_follows_on_a_cancelled_or_a_refunded_order() -> None:
    assert {status for status, following in NEXT.items() if not following} == {
        OrderStatus.CANCELLED,
        OrderStatus.REFUNDED,
    }
    assert set(NEXT) == set(OrderStatus)
