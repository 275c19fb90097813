"""Suggestions: what each store should ask for, and requests made of them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from catalog.interface import catalog
from inventory.interface import Demand, Location, LocationNotFound, inventory
from replenishment import models, rules
from replenishment.interface import (
    Acceptance,
    AlreadyRequested,
    Request,
    SuggestedLine,
    Suggestion,
    SuggestionGone,
    SuggestionPage,
)
from replenishment.service.asking import alone, ask, take_turn, value_of
from shared_kernel.errors import Refusal
from shared_kernel.ids import part_of
from shared_kernel.postgres.transactions import atomic_write
from shared_kernel.quantities import MAX_QUANTITY

# Products at a time: enough to be quick, few enough for the memory and for those who wait.
PAGE = 5000

FIGURES = [
    "quantity",
    "available",
    "on_the_way",
    "daily_sales",
    "lead_time_days",
    "reorder_level",
    "order_up_to",
    "central",
    "computed_at",
]


class Suggesting:
    """The part of the replenishment that says what to ask for."""

    def suggestions(
        self, *, store_ids: Sequence[UUID] | None = None, offset: int = 0, limit: int = 20
    ) -> SuggestionPage:
        rows = models.Suggestion.objects.order_by("available", "id")
        if store_ids is not None:
            rows = rows.filter(store_id__in=store_ids)
        return SuggestionPage(count=rows.count(), suggestions=_values_of(list(rows[offset : offset + limit])))

    def accept(
        self, *, acceptance_id: UUID, lines: Sequence[SuggestedLine], actor_id: UUID | None, now: datetime
    ) -> list[Acceptance]:
        acceptances = []
        for line in lines:
            request_id = part_of(acceptance_id, line.store_id, line.product_id)
            place = (line.store_id, line.product_id)
            try:
                request = alone(partial(_accept, request_id, line, actor_id=actor_id, now=now))
                acceptances.append(Acceptance(*place, request, code="", detail=""))
            except Refusal as refusal:
                acceptances.append(Acceptance(*place, None, refusal.code, str(refusal)))
        return acceptances

    def suggest(self, *, store_ids: Sequence[UUID] | None = None, now: datetime) -> int:
        stores = [store for store in inventory.stores() if store_ids is None or store.id in store_ids]
        return sum(_suggest_for(store, now=now) for store in stores)

    @atomic_write
    def suggest_product(self, *, store_id: UUID, product_id: UUID, now: datetime) -> Suggestion | None:
        store = inventory.store(store_id=store_id)
        demand = _demand(store, product_ids=[product_id], now=now)
        rows = _write(store, demand, now=now) if demand else []
        if not rows:
            models.Suggestion.objects.filter(store_id=store_id, product_id=product_id).delete()
            return None
        return _values_of(rows)[0]


def _accept(request_id: UUID, line: SuggestedLine, *, actor_id: UUID | None, now: datetime) -> Request:
    take_turn(line.store_id, line.product_id)
    place = {"store_id": line.store_id, "product_id": line.product_id}
    if row := models.Request.objects.filter(id=request_id).first():
        return value_of(row)
    suggestion = models.Suggestion.objects.filter(**place).first()
    if suggestion is None:
        raise SuggestionGone(**place)
    if request := models.Request.objects.open().filter(**place).first():
        raise AlreadyRequested(**place, replenishment_request_id=request.id)
    quantity = suggestion.quantity if line.quantity is None else line.quantity
    rules.check_quantity(quantity, smallest=1, largest=MAX_QUANTITY)
    return value_of(ask(request_id, line.product_id, line.store_id, quantity=quantity, actor_id=actor_id, now=now))


def _suggest_for(store: Location, *, now: datetime) -> int:
    """Work out a store's suggestions page by page, each in a transaction of its own; returns how many there are."""
    count, after = 0, None
    while demand := _demand(store, after=after, now=now):
        count += len(alone(partial(_write, store, demand, now=now)))
        after = demand[-1].product_id
    # Those that somebody holds are being accepted or worked out anew: theirs to remove.
    stale = models.Suggestion.objects.filter(store_id=store.id, computed_at__lt=now)
    stale.filter(id__in=stale.select_for_update(skip_locked=True).values("id")).delete()
    return count


def _demand(
    store: Location, *, product_ids: Sequence[UUID] | None = None, after: UUID | None = None, now: datetime
) -> list[Demand]:
    """A page of what a store needs; nothing where there is no warehouse to ask."""
    try:
        return inventory.demand(location_id=store.id, product_ids=product_ids, after=after, limit=PAGE, now=now)
    except LocationNotFound:
        return []


def _write(store: Location, demand: Sequence[Demand], *, now: datetime) -> list[models.Suggestion]:
    """Write down what is to be suggested of these products, in their order; returns it."""
    ids = [row.product_id for row in demand]
    archived = set(catalog.archived_ids())
    # They have an answer coming, with which the store may ask again; what is on its way counts as there.
    asked_for = set(
        models.Request.objects.open().filter(store_id=store.id, product_id__in=ids).values_list("product_id", flat=True)
    )
    weekday = now.astimezone(ZoneInfo(store.time_zone)).weekday()
    considered = (
        _considered(
            row,
            lead_time_days=store.lead_time_days,
            weekday=weekday,
            now=now,
        )
        for row in demand
        if row.product_id not in archived
        and row.product_id not in asked_for
        and rules.is_wanted(reorder_point=row.reorder_point, target=row.target, sold=row.sold)
    )
    rows = [row for row in considered if row]
    models.Suggestion.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["store_id", "product_id"], update_fields=FIGURES
    )
    return rows


def _considered(demand: Demand, *, lead_time_days: int, weekday: int, now: datetime) -> models.Suggestion | None:
    """What to suggest of one product, if anything."""
    level = rules.reorder_level(
        sold=demand.sold,
        weekday=weekday,
        lead_time_days=lead_time_days,
        reorder_point=demand.reorder_point,
        safety_stock=demand.safety_stock,
    )
    up_to = rules.order_up_to(
        level=level, sold=demand.sold, weekday=weekday, lead_time_days=lead_time_days, target=demand.target
    )
    position = demand.available + demand.in_transit
    quantity = rules.quantity_to_order(position=position, level=level, up_to=up_to, central=demand.central)
    if quantity == 0:
        return None
    return models.Suggestion(
        store_id=demand.location_id,
        product_id=demand.product_id,
        quantity=quantity,
        available=demand.available,
        on_the_way=demand.in_transit,
        daily_sales=rules.daily_sales(demand.sold),
        lead_time_days=lead_time_days,
        reorder_level=level,
        order_up_to=up_to,
        central=demand.central,
        computed_at=now,
    )


def _values_of(rows: Sequence[models.Suggestion]) -> list[Suggestion]:
    """These rows as published values, with the names and the words; takes as many statements for any number."""
    products = {product.id: product.name for product in catalog.products(ids=[row.product_id for row in rows])}
    stores = {place.id: place.name for place in inventory.locations(ids=[row.store_id for row in rows])}
    return [
        Suggestion(
            store_id=row.store_id,
            store_name=stores[row.store_id],
            product_id=row.product_id,
            product_name=products[row.product_id],
            quantity=row.quantity,
            why=rules.why(
                quantity=row.quantity,
                available=row.available,
                on_the_way=row.on_the_way,
                daily_sales=row.daily_sales,
                lead_time_days=row.lead_time_days,
                order_up_to=row.order_up_to,
                central=row.central,
            ),
            available=row.available,
            on_the_way=row.on_the_way,
            daily_sales=row.daily_sales,
            lead_time_days=row.lead_time_days,
            reorder_level=row.reorder_level,
            order_up_to=row.order_up_to,
            central=row.central,
            computed_at=row.computed_at,
        )
        for row in rows
    ]
