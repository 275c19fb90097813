"""The audit trail of what people and machines do over HTTP: who, what, from where; and the admin that shows it."""

import io
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from accounts.models import User
from config.logging import json_formatter
from shared_kernel.audit import Deed, record
from shared_kernel.ids import new_id
from shared_kernel.models import AuditEntry
from tests.accounts.actions import EMAIL, NEW_PASSWORD, customer_client, home, register
from tests.admin import browser, person_of, statements
from tests.audit import begun
from tests.chain import PASSWORD, client_of, make_person, make_product, make_store, post, put_in_stock
from tests.config.outage import without_database
from tests.threads import empty_queue

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/api/v1/auth/login/"
UNKNOWN_SALE = "/api/v1/sales/0193477a-5800-7b4c-aa0a-02718871ba2f/"
TRAIL = "/admin/shared_kernel/auditentry/"
FROM = {"X-Request-ID": "request-1"}


@pytest.fixture(autouse=True)
def no_jobs_left() -> Iterator[None]:
    yield
    empty_queue()


def refusals(trail: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.subject_id, entry.changes) for entry in trail.of("operation")]


# --- Deeds ----------------------------------------------------------------------------------------------------------


def test_a_call_is_recorded_with_its_caller_address_and_id() -> None:
    client, product = client_of(Role.CATALOG_MANAGER), make_product(price=Decimal("10.00"))
    person = person_of_token(client)
    trail = begun()

    answer = client.patch(
        f"/api/v1/products/{product.id}/",
        {"price": "12.00"},
        content_type="application/json",
        headers=FROM,
        REMOTE_ADDR="203.0.113.7",
    )

    assert answer.status_code == 200
    [entry] = trail.rows
    assert (entry.actor_id, entry.address, entry.request_id, entry.job) == (person, "203.0.113.7", "request-1", "")
    assert (entry.subject, entry.deed, entry.changes) == ("product", "changed", {"price": ["10.00", "12.00"]})


def person_of_token(client: Client) -> UUID:
    """Who an API client is of: the last who logged in."""
    entry = AuditEntry.objects.filter(subject="login").order_by("-id")[0]
    assert entry.about_id is not None
    return entry.about_id


def test_what_a_machine_does_is_its_deed() -> None:
    store, product, key = make_store(), make_product(), new_secret_key()
    draft = ApiKeyDraft(name="Till 1", scopes=frozenset({Action.ADJUST_STOCK}), store_id=store.id)
    made = accounts.create_api_key(key_id=new_id(), key=key, draft=draft)
    put_in_stock(product, store, 3)
    trail = begun()

    body = {"location_id": str(store.id), "lines": [{"product_id": str(product.id), "delta": -1}], "reason": "broken"}
    answer = post(Client(headers={"X-API-Key": key}), "/stock/adjustments/", body)

    assert answer.status_code in {200, 201}
    assert [(entry.actor_id, entry.address) for entry in trail.rows] == [(made.id, "127.0.0.1")] * 2
    assert trail.deeds == [("api_key", "changed"), ("stock_movement", "created")]


def test_what_a_person_changes_in_the_admin_is_their_deed() -> None:
    client, store = browser(Role.HEAD_OFFICE), make_store("Paris")
    trail = begun()

    form = {"kind": "store", "name": "Lyon", "address": "", "time_zone": "Europe/Paris", "lead_time_days": "2"}
    answer = client.post(f"/admin/inventory/location/{store.id}/change/", form)

    assert answer.status_code == 302
    entry = trail.one("location")
    assert (entry.actor_id, entry.address) == (person_of(client), "127.0.0.1")
    assert entry.changes["name"] == ["Paris", "Lyon"]


def test_a_command_is_named() -> None:
    """As `manage.py` binds it."""
    trail = begun()
    call_command("api_key", "create", "Till 1", "--scope", Action.SELL, stdout=io.StringIO())

    assert trail.deeds == [("api_key", "created")]


def test_a_browsers_login_and_logout_are_recorded_from_where_they_come() -> None:
    email, client = make_person(Role.CASHIER, make_store()), Client()
    person = User.objects.get(email=email).id
    trail = begun()

    client.post("/login/", {"username": email, "password": PASSWORD}, REMOTE_ADDR="203.0.113.7")
    client.post("/logout/", REMOTE_ADDR="203.0.113.8")

    assert [(entry.deed, entry.actor_id, entry.about_id, entry.address) for entry in trail.of("session")] == [
        ("created", person, person, "203.0.113.7"),
        ("deleted", person, person, "203.0.113.8"),
    ]
    assert len(trail.rows) == 2


def test_an_export_of_ones_data_is_recorded() -> None:
    person = register()
    client = customer_client()
    trail = begun()

    assert client.get("/api/v1/customers/me/export/").status_code == 200

    [entry] = trail.rows
    assert (entry.subject, entry.subject_id, entry.deed) == ("person", str(person.id), "exported")
    assert (entry.actor_id, entry.address) == (person.id, "127.0.0.1")


# --- Refusals -------------------------------------------------------------------------------------------------------


def test_a_call_by_nobody_is_recorded() -> None:
    trail = begun()

    assert Client().get(UNKNOWN_SALE).status_code == 401

    [entry] = trail.rows
    assert (entry.actor_id, entry.address, entry.deed) == (None, "127.0.0.1", "refused")
    assert refusals(trail) == [
        (
            "GET /api/v1/sales/{sale_id}/",
            {"status": 401, "code": "login_required", "sale_id": "0193477a-5800-7b4c-aa0a-02718871ba2f"},
        )
    ]


def test_what_a_role_does_not_allow_is_recorded_once_and_of_the_rolled_back_call_nothing_else() -> None:
    store, product = make_store(), make_product()
    client = client_of(Role.CASHIER, store)
    person = person_of_token(client)
    body = {"location_id": str(store.id), "lines": [{"product_id": str(product.id), "delta": 1}], "reason": "found"}
    trail = begun()

    assert post(client, "/stock/adjustments/", body, **{"Idempotency-Key": "once"}).status_code == 403

    assert [entry.actor_id for entry in trail.rows] == [person]
    assert refusals(trail) == [("POST /api/v1/stock/adjustments/", {"status": 403, "code": "not_allowed"})]


@pytest.mark.parametrize("path", [LOGIN, "/api/v1/customers/login/"])
def test_a_failed_login_is_recorded_without_the_e_mail(path: str) -> None:
    register()
    trail = begun()

    Client().post(path, {"email": EMAIL, "password": "wrong"}, content_type="application/json")

    assert refusals(trail) == [(f"POST {path}", {"status": 401, "code": "bad_credentials"})]


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_a_browsers_failed_login_is_recorded_without_the_e_mail(path: str) -> None:
    email = make_person(Role.HEAD_OFFICE)
    trail = begun()

    assert Client().post(path, {"username": email, "password": "wrong"}).status_code == 200

    assert refusals(trail) == [(f"POST {path}", {"status": 200, "code": ""})]


def test_too_many_calls_are_recorded(settings: Any) -> None:
    settings.COMPTOIR_RATE_LIMITS = {"POST /auth/login/": ("few logins", "address", "1 per hour")}
    body = {"email": EMAIL, "password": "wrong"}
    trail = begun()

    statuses = [Client().post(LOGIN, body, content_type="application/json").status_code for _ in range(2)]

    assert statuses == [401, 429]
    assert [changes["code"] for _, changes in refusals(trail)] == ["bad_credentials", "too_many_requests"]


def test_a_page_that_a_role_does_not_allow_is_recorded() -> None:
    client = browser(Role.CASHIER, make_store())
    trail = begun()

    answers = [client.get(page).status_code for page in ("/dashboard/sales/", "/admin/accounts/user/", TRAIL)]

    assert answers == [403] * 3
    assert refusals(trail) == [
        ("GET /dashboard/sales/", {"status": 403, "code": ""}),
        ("GET /admin/accounts/user/", {"status": 403, "code": ""}),
        ("GET /admin/shared_kernel/auditentry/", {"status": 403, "code": ""}),
    ]
    assert {entry.actor_id for entry in trail.rows} == {person_of(client)}


def test_what_somebody_wrote_into_the_address_is_not_recorded() -> None:
    trail = begun()

    assert Client().get(f"/api/v1/customers/{EMAIL}/?search={EMAIL}").status_code == 401

    assert refusals(trail) == [("GET /api/v1/customers/{customer_id}/", {"status": 401, "code": "login_required"})]


@pytest.mark.parametrize("status", [404, 405, 409, 415, 422])
def test_other_answers_are_not_recorded(status: int) -> None:
    client = client_of(Role.HEAD_OFFICE)
    product = make_product()
    calls = {
        404: lambda: client.get("/api/v1/nothing/"),
        405: lambda: client.delete("/api/v1/stores/"),
        409: lambda: post(client, "/products/", {"sku": product.sku, "name": "A", "category": "A", "price": "1.00"}),
        415: lambda: client.post("/api/v1/products/", "a", content_type="text/plain"),
        422: lambda: post(client, "/products/", {"sku": ""}),
    }
    trail = begun()

    assert calls[status]().status_code == status
    assert trail.rows == []


def test_nobody_floods_the_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.audit.MOST_REFUSALS", "2 per hour")
    trail = begun()

    for address in ("203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2"):
        assert Client().get(UNKNOWN_SALE, REMOTE_ADDR=address).status_code == 401

    assert [entry.address for entry in trail.rows] == ["203.0.113.1", "203.0.113.1", "203.0.113.2"]


def test_a_refusal_is_answered_while_the_database_is_away_and_the_log_says_so() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)

    answer = without_database(lambda: Client().get(UNKNOWN_SALE))
    logging.getLogger().removeHandler(handler)

    assert answer.status_code == 401
    assert "refusal not recorded" in written.getvalue()


# --- Nothing personal -----------------------------------------------------------------------------------------------

PHONE, STREET = "+33612345678", "12 rue Mercière"


def test_a_whole_life_leaves_nothing_personal_and_no_secret() -> None:
    api, trail = Client(), begun()
    details = {"email": EMAIL, "name": "Camille Martin", "phone": PHONE, "password": PASSWORD}
    assert post(api, "/customers/register/", details).status_code == 201
    tokens = post(api, "/auth/login/", {"email": EMAIL, "password": PASSWORD}).json()
    post(api, "/auth/login/", {"email": EMAIL, "password": "guess-of-camille"})
    mine = Client(headers={"Authorization": f"Bearer {tokens['access']}"})
    post(mine, "/customers/me/addresses/", {**vars(home()), "line1": STREET, "phone": PHONE, "email": EMAIL})
    changes = {"name": "Camille Durand", "email": "camille.durand@example.com", "current_password": PASSWORD}
    assert mine.patch("/api/v1/customers/me/", changes, content_type="application/json").status_code == 200
    tokens = post(api, "/auth/login/", {"email": changes["email"], "password": PASSWORD}).json()
    mine = Client(headers={"Authorization": f"Bearer {tokens['access']}"})
    mine.get(f"/api/v1/customers/{EMAIL}/")
    password = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert post(mine, "/customers/me/password/", password).status_code == 204
    again = post(api, "/customers/login/", {"email": changes["email"], "password": NEW_PASSWORD}).json()
    mine = Client(headers={"Authorization": f"Bearer {again['access']}"})
    again = post(api, "/customers/token/refresh/", {"refresh": again["refresh"]}).json()
    assert mine.get("/api/v1/customers/me/export/").status_code == 200
    assert mine.delete("/api/v1/customers/me/").status_code == 204
    staff = make_person(Role.HEAD_OFFICE)
    Client().post("/login/", {"username": staff, "password": PASSWORD})
    key = new_secret_key()
    accounts.create_api_key(
        key_id=new_id(), key=key, draft=ApiKeyDraft(name="Till of Camille", scopes=frozenset({Action.SELL}))
    )

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(string_agg(row_to_json(e)::text, ' '), '') FROM audit_entry e WHERE id > %s", [trail.since]
        )
        [(text,)] = cursor.fetchall()

    said = {
        *("camille", "martin", "durand", "example.com", "comptoir.example", PHONE, PHONE[3:], "merci", "argon2"),
        *(PASSWORD, NEW_PASSWORD, "guess", tokens["refresh"], tokens["access"], again["refresh"], key),
        *(part for token in (tokens["refresh"], again["refresh"]) for part in token.split(".")[1:]),
    }
    assert [word for word in said if word.lower() in text.lower()] == []
    assert {(entry.subject, entry.deed) for entry in trail.rows} >= {
        *(("person", deed) for deed in ("created", "changed", "exported")),
        *(("login", deed) for deed in ("created", "deleted")),
        ("operation", "refused"),
        ("session", "created"),
        ("api_key", "created"),
    }


# --- The admin ------------------------------------------------------------------------------------------------------


def shown(client: Client, query: str = "") -> list[tuple[str, str]]:
    """The entries of a list, as their deed and what the list calls them."""
    rows = client.get(f"{TRAIL}{query}").context["cl"].result_list
    return [(row.deed, row.admin_name) for row in rows]


def test_the_head_office_reads_who_did_what_in_words() -> None:
    client, store = browser(Role.HEAD_OFFICE), make_store("Bellecour")
    cashier = User.objects.get(email=make_person(Role.CASHIER, store))
    manager = client_of(Role.CATALOG_MANAGER)
    product = make_product(name="Lamp", price=Decimal("10.00"))
    manager.patch(f"/api/v1/products/{product.id}/", {"price": "12.00"}, content_type="application/json")

    page = client.get(TRAIL).content.decode()
    [entry] = [row for row in client.get(TRAIL).context["cl"].result_list if row.about_id == cashier.id]

    assert shown(client)[0] == ("changed", "Product Lamp")
    assert "price: 10.00 → 12.00" in page
    assert "catalog_manager" in page  # by whom: a member of staff is called like their role here
    assert entry.changes_in_words == "role: cashier; store id: Bellecour"
    assert client.get(f"{TRAIL}{entry.id}/change/").status_code == 200


def test_entries_are_found_by_person_thing_request_address_and_filters() -> None:
    client = browser(Role.HEAD_OFFICE)
    register(email="zoe@example.com", name="Zoé Searched")
    product = make_product()
    api = client_of(Role.CATALOG_MANAGER)
    api.delete(f"/api/v1/products/{product.id}/", headers={"X-Request-ID": "sought"}, REMOTE_ADDR="198.51.100.77")
    person = person_of_token(api)
    archived = [("changed", f"Product {product.name}")]

    assert (
        shown(client, "?q=sought") == shown(client, "?q=198.51.100.77") == shown(client, f"?q={product.id}") == archived
    )
    assert shown(client, "?q=zoe@example.com") == shown(client, "?q=searched") == [("created", "Person Zoé Searched")]
    assert shown(client, f"?q={person}&subject=product") == archived
    assert shown(client, f"?q={person}&deed=deleted") == []
    assert shown(client, f"?q={person}&at_from=2999-01-01") == []
    assert shown(client, "?q=nothing-like-it") == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD_OFFICE])
def test_nobody_else_reads_the_trail(role: Role) -> None:
    client = browser(role, make_store())
    make_product()
    entry = AuditEntry.objects.latest("id")

    paths = ["", f"{entry.id}/change/", "export/"]
    assert [client.get(f"{TRAIL}{path}").status_code for path in paths] == [403] * 3
    assert TRAIL not in client.get("/admin/").content.decode()


def test_nobody_writes_it_in_the_admin() -> None:
    client = browser(Role.HEAD_OFFICE)
    entry = AuditEntry.objects.latest("id")

    paths = ["add/", f"{entry.id}/delete/"]
    assert [client.post(f"{TRAIL}{path}", {"post": "yes"}).status_code for path in paths] == [403, 403]
    assert client.post(f"{TRAIL}{entry.id}/change/", {"deed": "created"}).status_code == 403


def exported(client: Client, file_format: int, query: str) -> bytes:
    form = {"format": str(file_format), "resource": ""}
    columns = ["id", "at", "who", "deed", "subject", "subject_id", "thing", "changes", "address", "request_id"]
    answer = client.post(
        f"{TRAIL}export/{query}", form | dict.fromkeys([f"auditentryresource_{name}" for name in columns], "on")
    )
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return bytes(answer.content)


def test_the_entries_of_a_list_are_exported_and_that_is_recorded() -> None:
    client, product = browser(Role.HEAD_OFFICE), make_product(name="Lamp", price=Decimal("10.00"))
    api = client_of(Role.CATALOG_MANAGER)
    api.patch(f"/api/v1/products/{product.id}/", {"price": "12.00"}, content_type="application/json")
    trail = begun()

    lines = exported(client, 0, f"?q={product.id}").decode().splitlines()
    book = openpyxl.load_workbook(io.BytesIO(exported(client, 1, f"?q={product.id}")))

    assert len(lines) == 2
    assert "Lamp" in lines[1]
    assert "price: 10.00 → 12.00" in lines[1]
    assert book.active is not None
    assert book.active.max_row == 2
    assert [(entry.subject, entry.deed, entry.actor_id) for entry in trail.rows] == [
        ("audit_trail", "exported", person_of(client))
    ] * 2


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_of_an_export_is_a_formula(hostile: str) -> None:
    client = browser(Role.HEAD_OFFICE)
    Client().get(UNKNOWN_SALE, headers={"X-Request-ID": hostile})
    record(subject="operation", subject_id=hostile, deed=Deed.REFUSED)

    text = exported(client, 0, "?subject=operation").decode()
    book = openpyxl.load_workbook(io.BytesIO(exported(client, 1, "?subject=operation")))

    assert f",{hostile}" not in text
    assert book.active is not None
    assert "f" not in {cell.data_type for row in book.active.iter_rows() for cell in row}
    assert not [cell for row in book.active.iter_rows() for cell in row if str(cell.value).startswith(hostile[0])]


@pytest.mark.plain_calls
def test_the_list_takes_as_many_statements_for_fifty_rows_as_for_one_and_counts_none() -> None:
    client = browser(Role.HEAD_OFFICE)
    statements(client, TRAIL)
    few = statements(client, f"{TRAIL}?q={person_of(client)}")
    for _ in range(50):
        make_person(Role.CASHIER, make_store())
    many = statements(client, TRAIL)

    assert len(many) <= len(few) <= 12
    assert not [statement for statement in many if "COUNT(" in statement.upper()]
