"""How stores and chain are doing, over REST: `/dashboard/`."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.timezone import localdate
from ninja import Field, Query, Router, Schema
from pydantic import ValidationInfo, field_validator

from accounts.interface import actor_of
from sales.api.callers import visible_stores
from sales.interface import Indicators, StoreIndicators, sales
from shared_kernel.rest.bodies import Day

router = Router(tags=["reports"])

DEFAULT_DAYS = 7
MAX_DAYS = 366
# What has a year of days before it and after it, and no other calendar.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


class DashboardFilters(Schema):
    since: Day | None = Field(
        None, alias="from", ge=FIRST_DAY, le=LAST_DAY, description="First day; six days before `to` when left out."
    )
    until: Day | None = Field(
        None,
        alias="to",
        ge=FIRST_DAY,
        le=LAST_DAY,
        validate_default=True,
        description="Last day; today when left out.",
    )
    store_id: UUID | None = Field(None, description="Only this store.")

    @field_validator("until")
    @classmethod
    def ends_after_it_begins(cls, until: date | None, info: ValidationInfo) -> date | None:
        since = info.data.get("since")
        if since and not 0 <= ((until or localdate()) - since).days < MAX_DAYS:
            raise ValueError(f"a period has 1 to {MAX_DAYS} days, its first day first")
        return until


class DashboardAnswer(Schema):
    since: date = Field(alias="from")
    until: date = Field(alias="to")
    currency: str
    chain: Indicators = Field(description="All the stores shown, together.")
    stores: list[StoreIndicators]


@router.get("/dashboard/", response=DashboardAnswer, by_alias=True, operation_id="dashboard")
def dashboard(request: HttpRequest, filters: Query[DashboardFilters]) -> Any:
    """How each store is doing, against as many days before: sales and trend, and how its stock stands.

    The worker looks at the stock every minute; `stock_as_of` says when it did. A store manager sees their own stores.
    `refund_rate` is a fraction; `trend` is up or down by more than 5 %.
    """
    store_ids = visible_stores(actor_of(request), filters.store_id)
    last_day = filters.until or localdate()
    first_day = filters.since or last_day - timedelta(days=DEFAULT_DAYS - 1)
    answer = sales.performance(first_day=first_day, last_day=last_day, store_ids=store_ids)
    return {
        "from": answer.first_day,
        "to": answer.last_day,
        "currency": answer.currency,
        "chain": answer.chain,
        "stores": answer.stores,
    }
