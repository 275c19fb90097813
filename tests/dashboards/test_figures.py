"""The overview, a store's page and the sales report: the same figures as the API's."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.test import Client
from django.utils.timezone import localdate

from accounts.interface import Role
from inventory.interface import StockLine, inventory
from replenishment.interface import replenishment
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, put_in_stock, sell
from tests.dashboards.conftest import Chain, visitor


@pytest.fixture
def sold(chain: Chain) -> Chain:
    """Lyon has sold four keyboards in two tickets, all but empties its shelf, and asks for more."""
    sell(chain.keyboard, chain.lyon, quantity=1)
    sale = sell(chain.keyboard, chain.lyon, quantity=3)
    now = sale.sold_at
    inventory.issue_departed(
        operation_id=new_id(),
        location_id=chain.lyon.id,
        lines=[StockLine(chain.keyboard.id, 18)],
        document="sale",
        actor_id=None,
        departed_at=now,
        now=now,
    )
    replenishment.request(
        request_id=new_id(),
        product_id=chain.keyboard.id,
        store_id=chain.lyon.id,
        quantity=21,
        actor_id=None,
        now=now,
    )
    return chain


def test_what_to_see_to_comes_first(sold: Chain) -> None:
    page = visitor(Role.HEAD_OFFICE).get("/dashboard/")

    found = [(alert.count, alert.words, [place.name for place in alert.places]) for alert in page.context["alerts"]]
    assert (1, "product that sells is out of stock", ["Lyon"]) in found
    assert (1, "shelf to count", ["Lyon"]) in found
    assert (1, "request to decide on", ["Lyon"]) in found
    assert page.content.decode().index("product that sells is out of stock") < page.content.decode().index(
        "Average basket"
    )


def test_with_nothing_to_see_to_the_page_says_so(chain: Chain) -> None:
    page = visitor(Role.HEAD_OFFICE).get("/dashboard/").content.decode()

    assert "Nothing to see to" in page


def test_stores_stand_side_by_side_with_the_figures_of_the_days_chosen(sold: Chain) -> None:
    page = visitor(Role.HEAD_OFFICE).get("/dashboard/?period=today")

    figures = {store.name: (store.now.revenue, store.now.tickets) for store in page.context["stores"]}
    assert figures == {"Lille": (Decimal("0.00"), 0), "Lyon": (Decimal("40.00"), 2)}
    assert (page.context["period"].first_day, page.context["period"].last_day) == (localdate(), localdate())
    assert "€40.00" in page.content.decode()


def test_the_days_may_be_ones_own(sold: Chain) -> None:
    today = localdate()
    query = f"?period=custom&first_day={today - timedelta(days=3)}&last_day={today - timedelta(days=1)}"

    page = visitor(Role.HEAD_OFFICE).get(f"/dashboard/{query}")

    assert page.context["chain"].now.tickets == 0
    assert len(page.context["chart"].labels) == 3


@pytest.mark.parametrize(
    ("first", "last", "error"),
    [
        ("2026-02-02", "2026-02-01", "The last day lies before the first."),
        ("2020-01-01", "2026-02-01", "At most 366 days at a time."),
        ("nonsense", "2026-02-01", "Enter a valid date."),
        ("0001-01-01", "0001-01-02", "Choose a day from the years 2000 to 2099."),
        ("2100-01-01", "2100-01-02", "Choose a day from the years 2000 to 2099."),
        ("", "2026-02-01", "Choose the first day and the last."),
        ("2026-02-01", "", "Choose the first day and the last."),
    ],
)
@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/sales/"])
def test_days_that_make_no_sense_are_told_beside_their_field(
    chain: Chain, path: str, first: str, last: str, error: str
) -> None:
    page = visitor(Role.HEAD_OFFICE).get(f"{path}?period=custom&first_day={first}&last_day={last}")

    assert page.status_code == 422
    assert f'id="period-error" role="alert">{error}' in page.content.decode()


def test_a_store_shows_its_day_its_shelves_its_requests_and_its_tills(sold: Chain) -> None:
    sales.open_till(
        session_id=new_id(),
        store_id=sold.lyon.id,
        till="Till 1",
        opening_float=Decimal("100.00"),
        actor_id=new_id(),
        now=inventory.discrepancies()[0].found_at,
    )

    page = visitor(Role.STORE_MANAGER, sold.lyon).get(f"/dashboard/stores/{sold.lyon.id}/")

    context = page.context
    assert sum(context["day"].series[0].values) == Decimal("40.00")
    assert [len(series.values) for series in context["week"].series] == [7, 7]
    assert [(row.product_name, row.available) for row in context["shelves"]] == [("Keyboard", 0)]
    assert [(request.product_name, request.quantity) for request in context["requests"].requests] == [("Keyboard", 21)]
    assert [till.till for till in context["tills"]] == ["Till 1"]


def test_a_store_s_times_are_its_own(chain: Chain) -> None:
    montreal = make_store("Montréal", time_zone="America/Toronto")
    put_in_stock(chain.keyboard, montreal, 5)
    sell(chain.keyboard, montreal)

    page = visitor(Role.HEAD_OFFICE).get(f"/dashboard/stores/{montreal.id}/?period=today")

    assert page.context["figures"].now.tickets == 1
    assert sum(page.context["day"].series[0].values) == Decimal("10.00")


def test_every_definition_can_be_reached_and_read(sold: Chain) -> None:
    page = visitor(Role.HEAD_OFFICE).get("/dashboard/").content.decode()

    for name in ("revenue", "trend", "tickets", "basket", "refund_rate", "stock_outs", "low_stock", "overstock"):
        assert f'popovertarget="col-{name}" aria-describedby="col-{name}"' in page
        assert f'popover id="col-{name}"' in page


def test_the_report_adds_up_to_the_api_s_total(sold: Chain) -> None:
    client = visitor(Role.HEAD_OFFICE)

    page = client.get("/dashboard/sales/?period=today")
    api = client.get(f"/api/v1/reports/sales/?from={localdate()}&to={localdate()}").json()

    assert page.context["report"].total.total == Decimal(api["total"]["total"]) == Decimal("40.00")
    assert '<td class="figure strong" id="report-total">€40.00</td>' in page.content.decode()


def test_the_csv_is_the_api_s_for_the_same_question(sold: Chain) -> None:
    client = visitor(Role.HEAD_OFFICE)
    page = client.get(f"/dashboard/sales/?period=today&store={sold.lyon.id}&channel=till")

    rows = list(csv.DictReader(io.StringIO(client.get(page.context["csv"]).content.decode())))

    assert [(row["name"], row["total"]) for row in rows if row["total"]] == [("Lyon", "40.00")]
    assert [(row["product"], row["quantity"]) for row in rows if row["product"]] == [("Keyboard", "4")]


def spreadsheet(client: Client, query: str = "") -> dict[str, list[tuple[object, ...]]]:
    answer = client.get(f"/dashboard/sales/sales.xlsx{query}")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {sheet.title: list(sheet.values) for sheet in book}


def test_the_spreadsheet_holds_the_same_as_numbers(sold: Chain) -> None:
    sheets = spreadsheet(visitor(Role.HEAD_OFFICE), "?period=today")

    assert [row[0] for row in sheets["Stores"]] == ["Store", "Lille", "Lyon", "Total"]
    assert sheets["Stores"][2][2:] == ("Till", 40, 0, 40, 2, 0, 4)
    assert sheets["Stores"][3][3:] == (40, 0, 40, 2, 0, 4)
    assert sheets["Products"][1] == ("Lyon", "Till", "KEY-1", "Keyboard", 4)


def test_a_name_that_begins_like_a_formula_stays_text(chain: Chain) -> None:
    product = make_product(name='=HYPERLINK("http://evil.example")', sku="+1")
    put_in_stock(product, chain.lyon, 1)
    sell(product, chain.lyon)
    answer = visitor(Role.HEAD_OFFICE).get("/dashboard/sales/sales.xlsx?period=today")

    row = list(openpyxl.load_workbook(io.BytesIO(answer.content))["Products"].rows)[1]

    assert [(cell.value, cell.data_type) for cell in row[2:4]] == [
        ("+1", "s"),
        ('=HYPERLINK("http://evil.example")', "s"),
    ]


def test_a_manager_s_report_covers_their_own_stores(sold: Chain) -> None:
    client = visitor(Role.STORE_MANAGER, sold.lille)

    assert [row[0] for row in spreadsheet(client)["Stores"]] == ["Store", "Lille", "Total"]
    assert client.get(f"/dashboard/sales/sales.xlsx?store={sold.lyon.id}").status_code == 403


@pytest.mark.parametrize(("field", "value"), [("channel", "nonsense"), ("store", "nonsense"), ("period", "nonsense")])
def test_a_report_of_what_there_is_not_is_told_beside_its_field_and_makes_no_file(
    chain: Chain, field: str, value: str
) -> None:
    client = visitor(Role.HEAD_OFFICE)

    page = client.get(f"/dashboard/sales/?{field}={value}")
    file = client.get(f"/dashboard/sales/sales.xlsx?{field}={value}")

    assert (page.status_code, file.status_code) == (422, 422)
    assert f'id="{field}-error" role="alert">' in page.content.decode()


@pytest.mark.parametrize("query", ["first_day=0001-01-01&last_day=0001-01-02", "first_day=2026-02-01"])
def test_a_spreadsheet_of_days_that_make_no_sense_is_refused(chain: Chain, query: str) -> None:
    assert visitor(Role.HEAD_OFFICE).get(f"/dashboard/sales/sales.xlsx?period=custom&{query}").status_code == 422


def test_a_shelf_is_to_be_counted_once_however_often_it_was_short(sold: Chain) -> None:
    for _ in range(3):
        inventory.issue_departed(
            operation_id=new_id(),
            location_id=sold.lyon.id,
            lines=[StockLine(sold.keyboard.id, 1)],
            document="sale",
            actor_id=None,
            departed_at=datetime.now(UTC),
            now=datetime.now(UTC),
        )

    client = visitor(Role.HEAD_OFFICE)
    alerts = [client.get(path).context["alerts"] for path in ("/dashboard/", f"/dashboard/stores/{sold.lyon.id}/")]

    assert [[alert.count for alert in shown if alert.words == "shelf to count"] for shown in alerts] == [[1], [1]]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_the_day_of_the_store_s_clock(chain: Chain, zone: str) -> None:
    store = make_store("Island", time_zone=zone)

    before = datetime.now(ZoneInfo(zone)).date()
    period = visitor(Role.HEAD_OFFICE).get(f"/dashboard/stores/{store.id}/?period=today").context["period"]

    assert (period.first_day, period.last_day) in {(day, day) for day in (before, datetime.now(ZoneInfo(zone)).date())}
