"""Importing another system's sales: what the figures come to, and that a second time changes nothing."""

import csv
import gzip
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command

from accounts.interface import Role
from catalog.interface import KnownProduct, catalog
from inventory.interface import LocationKind, LocationNameTaken, inventory
from sales.interface import HistoryLine, InvoiceTooLarge, SaleLine, sales
from shared_kernel.ids import new_id
from tests.chain import client_of, make_location, make_product, make_store, on_hand, put_in_stock
from tests.imports import Outcome, rejected_rows, run_import

pytestmark = pytest.mark.django_db

SHARED_FILE = project.BASE_DIR.parent / "shared" / "data" / "online-retail-2010-12.csv.gz"
NEGATIVE = "Quantity is negative outside a return (an invoice that begins with C)"

FIGURES = {
    "accepted": "42,411",
    "rejected": "70",
    "products": "2,756",
    "sales": "1,629",
    "returns": "326",
    "gross": "823,746.14",
    "returned": "74,789.12",
    "net": "748,957.02",
    "new sales": "1,955",
}
NOTHING_NEW = FIGURES | {"new sales": "0"}

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
BOWL = "536365,22041,BOWL,6,2010-12-01 08:26:00,2.55,17850.0,France\n"
CUP = "536365,22042,CUP,1,2010-12-01 08:26:00,4.25,17850.0,France\n"
VASE = "536366,22043,VASE,2,2010-12-02 09:00:00,10.00,,France\n"

Import = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Import:
    """Imports a file, or these lines behind the usual header."""

    def run(*lines: str, file: Path | str | None = None, **options: Any) -> Outcome:
        if file is None:
            file = tmp_path / "history.csv"
            file.write_text(HEADER + "".join(lines))
        return run_import("import_sales", file, rejects=tmp_path / "rejects.csv", **options)

    return run


@pytest.fixture
def head_office() -> Any:
    return client_of(Role.HEAD_OFFICE)


def report(client: Any, **filters: str) -> dict[str, Any]:
    """The consolidated report over REST, of December 2010 unless told otherwise, but for when it saw the stock."""
    filters = {"from": "2010-12-01", "to": "2010-12-31", "top": "all"} | filters
    response = client.get("/api/v1/reports/sales/", filters)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    for store in answer["stores"]:
        del store["stock_as_of"]
    return answer


def shared_lines() -> list[str]:
    """The shared file's lines, its header first."""
    assert SHARED_FILE.exists(), f"The shared data is missing: {SHARED_FILE} belongs beside the project's folder."
    with gzip.open(SHARED_FILE, "rt", encoding="utf-8", newline="") as text:
        return text.readlines()


def expected_stores() -> dict[str, dict[str, Any]]:
    """What the shared file comes to by country, added up in plain Python."""
    stores: dict[str, dict[str, Any]] = defaultdict(
        lambda: {
            "gross": Decimal("0.00"),
            "returned": Decimal("0.00"),
            "sales": set(),
            "returns": set(),
            "sold": Counter(),
        }
    )
    for row in csv.DictReader(shared_lines()):
        invoice, quantity, store = row["InvoiceNo"], int(row["Quantity"]), stores[row["Country"]]
        amount = abs(quantity) * Decimal(row["UnitPrice"])
        if invoice.startswith("C"):
            store["returned"] += amount
            store["returns"].add(invoice)
        elif quantity > 0:
            store["gross"] += amount
            store["sales"].add(invoice)
            store["sold"][row["StockCode"].strip().upper()] += quantity
    return {
        name: {
            "gross": str(store["gross"]),
            "returned": str(store["returned"]),
            "total": str(store["gross"] - store["returned"]),
            "sales": len(store["sales"]),
            "returns": len(store["returns"]),
            "pieces": store["sold"].total(),
            "products": dict(store["sold"]),
        }
        for name, store in stores.items()
    }


def reported_stores(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The report's stores in the same shape."""
    figures = ("gross", "returned", "total", "sales", "returns", "pieces")
    return {
        store["name"]: {name: store[name] for name in figures}
        | {"products": {product["sku"]: product["quantity"] for product in store["products"]}}
        for store in answer["stores"]
    }


# --- The shared file ------------------------------------------------------------------------------------------------


def test_the_shared_file_comes_to_its_known_figures_once_and_again(run: Import, head_office: Any) -> None:
    first = run(file=SHARED_FILE)
    answer = report(head_office)
    again = run(file=SHARED_FILE)

    assert (first.figures, again.figures) == (FIGURES, NOTHING_NEW)
    assert [reason for _, reason in first.rejected] == [NEGATIVE] * 70
    assert f"          70  {NEGATIVE}" in first.output.splitlines()
    assert answer["total"] == {
        "gross": "823746.14",
        "returned": "74789.12",
        "total": "748957.02",
        "sales": 1629,
        "returns": 326,
        "pieces": sum(store["pieces"] for store in answer["stores"]),
    }
    stores = reported_stores(answer)
    kingdom, israel = stores["United Kingdom"], stores["Israel"]
    assert (kingdom["gross"], kingdom["returned"]) == ("748268.98", "71526.36")
    assert (kingdom["sales"], kingdom["pieces"]) == (1517, 317226)
    assert (israel["sales"], israel["gross"], israel["returned"]) == (0, "0.00", "227.44")
    assert stores == expected_stores()
    sold = sum((Counter(store["products"]) for store in stores.values()), Counter())
    assert sold.most_common(1) == [("84077", 5195)]
    assert report(head_office) == answer


def test_history_moves_no_stock(run: Import, head_office: Any) -> None:
    store = make_store("France")
    bowl = make_product(sku="22041")
    put_in_stock(bowl, store, 20)

    run(BOWL, CUP)

    assert on_hand(bowl, store) == 20
    [cup] = catalog.known_products(skus=["22042"])
    assert inventory.movements(product_id=cup.id) == []
    [shop] = report(head_office)["stores"]
    assert [(row["name"], row["available"]) for row in shop["stock"]] == [(bowl.name, 20)]


class Interrupted(io.BytesIO):
    """A file during whose reading somebody presses Ctrl-C, in the middle."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > len(self.getvalue()) / 2:
            raise KeyboardInterrupt
        return super().read(size)


def test_an_interrupted_import_leaves_no_sale_and_the_next_one_is_complete(
    run: Import, head_office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(shared_lines()).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Interrupted(text)))

    with pytest.raises(CommandError) as interruption:
        run(file="-")

    assert str(interruption.value) == "Interrupted. No sale was taken over: run the same command again."
    assert interruption.value.returncode == 130
    assert report(head_office)["stores"] == []
    assert run(file=SHARED_FILE).figures == FIGURES
    assert reported_stores(report(head_office)) == expected_stores()


def test_a_longer_file_adds_what_the_shorter_one_had_not(run: Import, head_office: Any) -> None:
    lines = shared_lines()
    cut = next(
        number for number in range(20_000, len(lines)) if lines[number].split(",")[0] != lines[number - 1].split(",")[0]
    )

    half = run(*lines[1:cut])
    whole = run(file=SHARED_FILE)

    assert half.figures["new sales"] == "889"
    assert whole.figures == FIGURES | {"new sales": "1,066"}
    assert reported_stores(report(head_office)) == expected_stores()


# --- What a line becomes --------------------------------------------------------------------------------------------


def store_named(name: str) -> Any:
    return next(store for store in inventory.stores() if store.name == name)


def only_sale(store_name: str) -> Any:
    [summary] = sales.store_sales(store_id=store_named(store_name).id)
    return sales.sale(sale_id=summary.id)


def known(sku: str) -> KnownProduct:
    [product] = catalog.known_products(skus=[sku])
    return product


def test_an_invoice_becomes_a_sale_with_its_own_prices(run: Import) -> None:
    outcome = run(BOWL, CUP)

    sale = only_sale("France")
    bowl, cup = known("22041"), known("22042")
    assert outcome.figures["new sales"] == "1"
    assert (sale.client_reference, sale.gross, sale.returned, sale.total) == (
        "536365",
        Decimal("19.55"),
        Decimal("0.00"),
        Decimal("19.55"),
    )
    assert (sale.sold_at, sale.sold_on) == (datetime(2010, 12, 1, 8, 26, tzinfo=UTC), date(2010, 12, 1))
    rate = Decimal("0.2000")
    assert sale.lines == [
        SaleLine(1, bowl.id, "BOWL", 6, Decimal("2.55"), rate, Decimal("2.55"), Decimal("15.30")),
        SaleLine(2, cup.id, "CUP", 1, Decimal("4.25"), rate, Decimal("0.71"), Decimal("4.25")),
    ]
    assert (sale.tax, sale.pieces, sale.payments) == (Decimal("3.26"), 7, [])


def test_a_return_counts_as_returned(run: Import) -> None:
    outcome = run("C536379,22041,BOWL,-2,2010-12-01 09:41:00,2.55,,France\n")

    sale = only_sale("France")
    assert (outcome.figures["sales"], outcome.figures["returns"], outcome.figures["net"]) == ("0", "1", "-5.10")
    assert (sale.gross, sale.returned, sale.total, sale.pieces_returned) == (
        Decimal("0.00"),
        Decimal("5.10"),
        Decimal("-5.10"),
        2,
    )


def test_an_invoice_over_two_minutes_is_one_sale_at_the_first(run: Import) -> None:
    later = CUP.replace("08:26", "08:27")

    first = run(BOWL, later)
    turned = run(later, BOWL)

    assert (first.figures["new sales"], turned.figures["new sales"]) == ("1", "0")
    assert only_sale("France").sold_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def test_a_product_goes_by_its_most_frequent_name_and_its_latest_price(run: Import) -> None:
    run(
        BOWL,
        BOWL.replace("BOWL", "BOWL OF CLAY")
        .replace("536365", "536370")
        .replace("12-01", "12-03")
        .replace("2.55", "2.95"),
        BOWL.replace("BOWL", "").replace("536365", "536371").replace("12-01", "12-04").replace("2.55", "0.0"),
        BOWL.replace("536365", "536372").replace("12-01", "12-02").replace("22041", " 22041 "),
    )

    draft = known("22041").draft
    assert (draft.name, draft.price, draft.category) == ("BOWL", Decimal("2.95"), "Imported")
    assert (draft.stocked, draft.active) == (True, True)


def test_a_product_without_name_or_price_goes_by_its_code_and_is_archived(run: Import) -> None:
    run("536414,22139a,,56,2010-12-01 11:52:00,0.0,,France\n")

    draft = known("22139A").draft
    assert (draft.name, draft.price, draft.active) == ("22139A", Decimal("0.01"), False)
    assert [line.name for line in only_sale("France").lines] == ["22139A"]


def test_a_code_without_digits_becomes_a_service(run: Import) -> None:
    run("536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583.0,France\n")

    assert known("POST").draft.stocked is False


def test_products_and_stores_that_are_there_stay_as_they_are(run: Import) -> None:
    bowl = make_product(sku="22041", name="Bol", price=Decimal("3.00"), tax_rate=Decimal("0.0550"))
    store = make_store("France", time_zone="Asia/Tokyo")

    run("536365,22041,BOWL,6,2010-12-01 23:26:00,2.55,,France\n")

    assert catalog.products(ids=[bowl.id]) == [bowl]
    assert inventory.stores() == [store]
    sale = only_sale("France")
    assert [(line.product_id, line.tax_rate, line.tax) for line in sale.lines] == [
        (bowl.id, Decimal("0.0550"), Decimal("0.80"))
    ]
    # The day is the store's: half past eleven in the evening is the next morning in Tokyo.
    assert sale.sold_on == date(2010, 12, 2)


def test_lines_of_an_older_encoding_are_read(run: Import, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_bytes(
        HEADER.encode()
        + BOWL.replace("BOWL", "BOWL £1").encode("latin-1")
        + CUP.replace("CUP", "CUP é").encode()
        + VASE.replace("VASE", "VASE ").encode().replace(b"VASE ", b"VASE \x81")
    )

    run(file=file)

    assert [known(sku).draft.name for sku in ("22041", "22042", "22043")] == ["BOWL £1", "CUP é", "VASE \x81"]


# --- What is rejected or refused ------------------------------------------------------------------------------------


def test_rejected_lines_are_kept_with_number_reason_and_cells(run: Import, tmp_path: Path) -> None:
    outcome = run(BOWL, CUP.replace(",1,", ",-1,"), "536365,22042\n", VASE.replace("10.00", "0.001"))

    assert outcome.rejected == [
        (3, NEGATIVE),
        (4, "not as many columns as the header"),
        (5, "UnitPrice has more than two decimals"),
    ]
    rows = rejected_rows(tmp_path / "rejects.csv")
    assert rows[0] == {
        "line": "3",
        "reason": NEGATIVE,
        "InvoiceNo": "536365",
        "StockCode": "22042",
        "Description": "CUP",
        "Quantity": "-1",
        "InvoiceDate": "2010-12-01 08:26:00",
        "UnitPrice": "4.25",
        "CustomerID": "17850.0",
        "Country": "France",
    }
    assert rows[1]["InvoiceNo"] == "536365,22042"
    assert outcome.figures | {"accepted": "1", "rejected": "3", "sales": "1", "net": "15.30"} == outcome.figures
    assert [line.name for line in only_sale("France").lines] == ["BOWL"]


def test_a_file_of_nothing_but_a_header_changes_nothing(run: Import) -> None:
    outcome = run()

    assert outcome.figures == {name: "0.00" if name in {"gross", "returned", "net"} else "0" for name in FIGURES}
    assert inventory.stores() == []


def test_an_invoice_known_with_other_amounts_is_named_and_stays(run: Import) -> None:
    run(BOWL, *[f"6{number:05},22041,BOWL,1,2010-12-05 10:00:00,1.00,,Spain\n" for number in range(12)])

    outcome = run(BOWL, CUP, VASE)
    many = run(*[f"6{number:05},22041,BOWL,2,2010-12-05 10:00:00,1.00,,Spain\n" for number in range(12)])

    assert "Known with other amounts, and left as they were: 536365" in outcome.output.splitlines()
    assert outcome.figures["new sales"] == "1"
    assert "600009 and 2 more" in many.output
    assert [sale.gross for sale in sales.store_sales(store_id=store_named("France").id)] == [
        Decimal("20.00"),
        Decimal("15.30"),
    ]


def test_an_invoice_of_another_store_is_named_too(run: Import) -> None:
    run(BOWL)

    outcome = run(BOWL.replace("France", "Spain"))

    assert "Known with other amounts, and left as they were: 536365" in outcome.output
    assert sales.store_sales(store_id=store_named("Spain").id) == []


def test_a_warehouse_is_not_taken_for_a_store(run: Import) -> None:
    warehouse = make_location(LocationKind.WAREHOUSE, "France")

    with pytest.raises(CommandError, match="Another place is called France") as refusal:
        run(BOWL)

    assert isinstance(refusal.value.__cause__, LocationNameTaken)
    assert inventory.stores() == []
    assert inventory.locations(ids=[warehouse.id]) == [warehouse]


def staged(*, lines: int, quantity: int = 1, unit_price: str = "1.00") -> list[HistoryLine]:
    return [
        HistoryLine(
            line_number=number,
            invoice="536365",
            product_code="22041",
            product_name="BOWL",
            stocked=True,
            quantity=quantity,
            sold_at=datetime(2010, 12, 1, tzinfo=UTC),
            unit_price=Decimal(unit_price),
            store_name="France",
        )
        for number in range(1, lines + 1)
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"lines": 32_768},
        {"lines": 2_148, "quantity": 1_000_000},
        {"lines": 2, "quantity": 10_000, "unit_price": "99999999.99"},
    ],
)
def test_an_invoice_larger_than_a_sale_can_be_is_refused(values: dict[str, Any]) -> None:
    import_id = new_id()
    sales.stage_history(import_id=import_id, lines=staged(**values))

    with pytest.raises(InvoiceTooLarge) as refusal:
        sales.complete_history(import_id=import_id)

    assert (refusal.value.invoice, refusal.value.lines) == ("536365", values["lines"])
    assert str(refusal.value).startswith(f"Invoice 536365, of {values['lines']:,} lines, is larger than a sale can be")
    assert inventory.stores() == []
    assert catalog.known_products(skus=["22041"]) == []


def test_the_largest_invoice_is_taken_over() -> None:
    import_id = new_id()
    sales.stage_history(import_id=import_id, lines=staged(lines=32_767))

    assert sales.complete_history(import_id=import_id).gross == Decimal("32767.00")


def test_a_line_put_aside_twice_counts_once() -> None:
    import_id = new_id()
    lines = staged(lines=3)

    sales.stage_history(import_id=import_id, lines=lines)
    sales.stage_history(import_id=import_id, lines=lines[1:])

    assert sales.complete_history(import_id=import_id).lines == 3
    assert sales.complete_history(import_id=import_id).lines == 0


def test_what_an_import_put_aside_is_forgotten_after_a_day() -> None:
    import_id = new_id()
    sales.stage_history(import_id=import_id, lines=staged(lines=3))
    now = datetime.now(UTC)

    assert sales.forget_staged_history(now=now) == 0
    assert sales.forget_staged_history(now=now.replace(year=now.year + 1)) == 3
    assert sales.complete_history(import_id=import_id).lines == 0


# --- Files ----------------------------------------------------------------------------------------------------------


def piped(data: bytes) -> Any:
    return SimpleNamespace(buffer=io.BytesIO(data))


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_packed_or_not(run: Import, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    data = (HEADER + BOWL + CUP).encode()
    monkeypatch.setattr(sys, "stdin", piped(gzip.compress(data) if packed else data))

    assert run(file="-").figures["accepted"] == "2"


def test_the_rejects_lie_in_the_data_folder_by_default(tmp_path: Path, settings: Any) -> None:
    settings.COMPTOIR_DATA = tmp_path / "data"
    file = tmp_path / "history.csv.gz"
    file.write_bytes(gzip.compress((HEADER + BOWL + "x\n").encode()))
    stdout = io.StringIO()

    call_command("import_sales", str(file), stdout=stdout)

    rejects = tmp_path / "data" / "imports" / "history-rejects.csv"
    assert f"Rejected lines: {rejects}" in stdout.getvalue().splitlines()
    assert [row["line"] for row in rejected_rows(rejects)] == ["3"]


def test_the_rejects_of_standard_input_are_named_for_it(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COMPTOIR_DATA = tmp_path
    monkeypatch.setattr(sys, "stdin", piped((HEADER + BOWL).encode()))

    call_command("import_sales", "-", stdout=io.StringIO())

    assert rejected_rows(tmp_path / "imports" / "stdin-rejects.csv") == []


PACKED = gzip.compress((HEADER + BOWL * 1000).encode())
LONG_LINE = b"x" * 1_000_001


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty."),
        (b"PK\x03\x04 not a CSV file", "is not the CSV file expected here"),
        (LONG_LINE, "is not a CSV file: it has a line of more than 1,000,000 characters."),
        ((HEADER + BOWL).encode() + LONG_LINE, "it has a line of more than 1,000,000 characters."),
        (
            PACKED[:-20],
            "is damaged (Compressed file ended before the end-of-stream marker was reached): fetch it again.",
        ),
        (PACKED[:40] + b"\xff" * 40 + PACKED[80:], "is damaged"),
        (PACKED + b"more", "is damaged (Not a gzipped file (b'mo')): fetch it again."),
    ],
    ids=["empty", "binary", "one long line", "a long line", "cut", "garbled", "with a tail"],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_no_sale(
    run: Import, tmp_path: Path, data: bytes, message: str
) -> None:
    file = tmp_path / "history.csv"
    file.write_bytes(data)

    with pytest.raises(CommandError) as refusal:
        run(file=file)

    assert message in str(refusal.value)
    assert str(refusal.value).startswith(f"{file} ")
    assert refusal.value.returncode == 1
    assert inventory.stores() == []


@pytest.mark.parametrize(("name", "reason"), [("nowhere.csv", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_is_not_there_is_one_sentence(run: Import, tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(CommandError) as refusal:
        run(file=tmp_path / name)

    assert str(refusal.value) == f"{tmp_path / name} cannot be used: {reason}."


def test_the_file_itself_is_not_overwritten_by_its_rejects(run: Import, tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    file.write_text(HEADER + BOWL)

    with pytest.raises(CommandError, match="would be overwritten by its rejected lines"):
        run(file=file)

    assert file.read_text() == HEADER + BOWL


def test_a_format_that_is_not_known_is_refused(run: Import) -> None:
    with pytest.raises(CommandError, match="invalid choice: 'other'"):
        call_command("import_sales", "-", "--format", "other")
