"""The audit trail: every audited deed leaves one entry, in its own transaction, and nobody can change one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection
from django.db.transaction import atomic, set_rollback
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django import app

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from accounts.models import Membership, User
from accounts.service import machines
from catalog.interface import ProductChanges, catalog
from inventory.interface import LocationDraft, LocationKind, inventory
from sales.interface import CashDirection
from shared_kernel import tasks
from shared_kernel.audit import Deed, record
from shared_kernel.ids import new_id
from shared_kernel.models import AuditEntry
from shared_kernel.postgres.transactions import atomic_write
from tests.accounts.actions import NEW_PASSWORD, PASSWORD, register
from tests.audit import ACTOR, acting, begun, words
from tests.chain import make_location, make_person, make_product, make_store, put_in_stock, sell
from tests.inventory.actions import adjust, count, issue_departed, receive
from tests.replenishment.actions import Chain, approve, cancel, reject, request
from tests.sales.actions import close_till, give_back, move_cash, open_till
from tests.threads import at_once, empty_queue

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def no_jobs_left() -> Iterator[None]:
    yield
    empty_queue()


def execute(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


# --- Who, and in which transaction ----------------------------------------------------------------------------------


def test_a_change_is_recorded_with_who_made_it_from_where() -> None:
    product = make_product(price=Decimal("10.00"))
    trail = begun()

    with acting():
        catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(12)))

    [entry] = trail.rows
    assert words(entry) == ["product", str(product.id), None, "changed", {"price": ["10.00", "12.00"]}]
    assert datetime.now(UTC) - entry.at < timedelta(minutes=1)


def test_a_change_that_is_rolled_back_leaves_no_entry() -> None:
    product = make_product()
    trail = begun()

    with acting(), atomic():
        catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(12)))
        set_rollback(True)

    assert trail.rows == []


def test_what_changes_nothing_leaves_no_entry() -> None:
    product = make_product(price=Decimal("10.00"))
    trail = begun()

    with acting():
        catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(10)))

    assert trail.rows == []


def test_two_callers_on_one_connection_do_not_mix() -> None:
    product, other = make_product(), str(new_id())
    trail = begun()

    with acting():
        catalog.archive_product(product_id=product.id)
    with acting(actor=other, address="198.51.100.1", request_id="request-2"):
        catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(11)))
    catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(12)))

    assert [(entry.actor_id, entry.address, entry.request_id) for entry in trail.rows] == [
        (ACTOR, "203.0.113.7", "request-1"),
        (UUID(other), "198.51.100.1", "request-2"),
        (None, "", ""),
    ]
    assert execute("SELECT coalesce(current_setting('comptoir.caller', true), '')") == [("",)]


@pytest.mark.parametrize("commit", [True, False])
def test_a_connection_forgets_who_acted_when_the_transaction_ends(commit: bool) -> None:
    asked = "SELECT coalesce(current_setting('comptoir.caller', true), '')"

    with acting(), atomic():
        [(within,)] = execute(asked)
        set_rollback(not commit)

    assert str(ACTOR) in within
    assert execute(asked) == [("",)]


def test_callers_at_the_same_time_are_told_apart() -> None:
    products = [make_product() for _ in range(8)]
    people = {product.id: str(new_id()) for product in products}
    trail = begun()

    def archive(product_id: UUID) -> Callable[[], object]:
        def call() -> None:
            with acting(actor=people[product_id], request_id=str(product_id)):
                catalog.archive_product(product_id=product_id)

        return call

    at_once([archive(product.id) for product in products])

    seen = {(entry.subject_id, entry.request_id, str(entry.actor_id)) for entry in trail.rows}
    assert seen == {(str(product_id), str(product_id), person) for product_id, person in people.items()}


@pytest.mark.parametrize("hostile", ["'; DROP TABLE audit_entry; --", "\\'", "'", '"}', "E'\\\\", "$$"])
def test_what_a_caller_says_is_only_text(hostile: str) -> None:
    product = make_product()
    trail = begun()

    with acting(request_id=hostile):
        catalog.archive_product(product_id=product.id)

    assert [entry.request_id for entry in trail.rows] == [hostile]


def test_a_task_is_named() -> None:
    [named] = [step for step in app.worker_defaults["task_middleware"] if step.__name__ == "named_job"]
    store, product = make_store(), make_product()
    trail = begun()

    named(lambda: adjust(store, (product, 3)), Mock(**{"job.task_name": "suggest_orders"}), None)

    assert [entry.job for entry in trail.of("stock_movement")] == ["suggest_orders"]


def messages(call: Callable[[], object]) -> list[str]:
    """What the application sends while it carries out a call, as libpq traces it: F and the kind of each message."""
    connection.ensure_connection()
    with TemporaryFile("w+") as file:
        connection.connection.pgconn.trace(file.fileno())
        call()
        connection.connection.pgconn.untrace()
        file.seek(0)
        return [line.split("\t")[3] for line in file if line.split("\t")[1] == "F"]


@atomic_write
def write() -> None:
    execute("SELECT 1")


def test_a_transaction_takes_no_message_more_for_saying_who_acts() -> None:
    of_nobody = messages(write)

    with acting():
        of_somebody = messages(write)

    assert of_somebody == of_nobody == ["Query"] * 3  # BEGIN, the statement and COMMIT


@pytest.mark.parametrize("end", ["the server ends it", "it is closed"])
def test_a_connection_that_is_gone_is_told_like_any_other(end: str) -> None:
    connection.ensure_connection()
    if end == "it is closed":
        connection.connection.close()
    else:
        pid = connection.connection.info.backend_pid
        at_once([lambda: execute("SELECT pg_terminate_backend(%s, 5000)", pid)])

    with pytest.raises(OperationalError), acting():
        write()

    connection.close()
    with acting():
        write()


# --- Nobody changes it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor_id = NULL",
        "UPDATE audit_entry SET at = now() - interval '2 years'",
        "UPDATE audit_entry SET deed = deed WHERE false",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ],
)
def test_an_entry_is_not_changed_or_removed(statement: str) -> None:
    make_store()
    before = list(AuditEntry.objects.order_by("id").values())
    operation = statement.split(maxsplit=1)[0]

    with pytest.raises(DatabaseError, match=f"append-only: {operation} on audit_entry is refused"), atomic():
        execute(statement)

    assert list(AuditEntry.objects.order_by("id").values()) == before


def test_the_trail_outlives_a_flush() -> None:
    make_store()
    before = AuditEntry.objects.count()

    call_command("flush", interactive=False, verbosity=0)

    assert AuditEntry.objects.count() == before


def test_the_worker_forgets_what_is_older_than_a_year() -> None:
    columns = "(at, address, request_id, job, subject, subject_id, deed, changes)"
    for age in ("2 years", "11 months"):
        execute(
            f"INSERT INTO audit_entry {columns} VALUES (now() - %s::interval, '', '', '', 'x', %s, 'created', '{{}}')",
            age,
            age,
        )

    tasks.forget_old_audit_entries(timestamp=0)

    assert list(AuditEntry.objects.filter(subject="x").values_list("subject_id", flat=True)) == ["11 months"]


@pytest.mark.parametrize("role", settings.COMPTOIR_MODULES)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM audit_entry",
        "INSERT INTO audit_entry (subject) VALUES ('forged')",
        "UPDATE audit_entry SET actor_id = NULL",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ],
)
def test_a_module_may_neither_read_nor_write_the_trail(role: str, statement: str) -> None:
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(ProgrammingError, match="permission denied for table audit_entry"), atomic():
            cursor.execute(statement)
        set_rollback(True)


@pytest.mark.parametrize("role", [name for name in settings.COMPTOIR_MODULES if name != "accounts"])
def test_no_other_module_says_what_nobody_did(role: str) -> None:
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(ProgrammingError, match="permission denied for function audit"), atomic():
            record(subject="refund", subject_id="1", deed=Deed.CREATED)
        set_rollback(True)


def test_a_module_may_say_what_no_trigger_sees() -> None:
    trail = begun()

    with acting(), atomic():
        execute("SET LOCAL ROLE accounts")
        record(subject="person", subject_id="1", deed=Deed.EXPORTED)

    assert [words(entry) for entry in trail.rows] == [["person", "1", None, "exported", {}]]


def test_an_unknown_deed_is_not_stored() -> None:
    with pytest.raises(IntegrityError, match="audit_entry_deed_known"):
        execute("SELECT audit(NULL, NULL, 'person', '1', NULL, 'undone', '{}')")


# --- What is recorded -----------------------------------------------------------------------------------------------


def test_a_persons_coming_and_changes_are_recorded_without_a_word_about_them() -> None:
    trail = begun()
    with acting():
        person = User.objects.create_user("camille@example.com", PASSWORD, name="Camille", phone="+33612345678")
        person.name, person.is_active = "Camille Martin", False
        person.set_password(NEW_PASSWORD)
        person.save()
        person.last_login = datetime.now(UTC)
        person.save(update_fields=["last_login"])

    created, changed = trail.rows
    who = ["person", str(person.id), None]
    # No transaction, so that nobody is named: Django saves a single row without one.
    assert [created.subject, created.subject_id, created.about_id] == who
    assert (created.deed, created.changes) == (
        "created",
        {"is_active": [None, "true"], "is_superuser": [None, "false"]},
    )
    assert (changed.deed, changed.changes) == (
        "changed",
        {"name": None, "password": None, "is_active": ["true", "false"]},
    )


def test_roles_are_recorded_about_the_person_who_holds_them() -> None:
    store, other = make_store(), make_store()
    person = User.objects.get(email=make_person(Role.CASHIER, store))
    trail = begun()

    with acting(), atomic():
        role = Membership.objects.get(person=person)
        role.role = Role.STORE_MANAGER
        role.save()
        person.memberships.create(role=Role.CASHIER, store_id=other.id)
        role.delete()

    [changed, created, deleted] = [words(entry) for entry in trail.rows]
    assert changed[1:] == [changed[1], person.id, "changed", {"role": ["cashier", "store_manager"]}]
    assert created[2:] == [person.id, "created", {"role": [None, "cashier"], "store_id": [None, str(other.id)]}]
    assert deleted[1:] == [
        changed[1],
        person.id,
        "deleted",
        {"role": ["store_manager", None], "store_id": [str(store.id), None]},
    ]


def test_a_machines_key_is_recorded_from_its_making_to_its_end() -> None:
    now, store, key, next_key = datetime.now(UTC), make_store(), new_secret_key(), new_secret_key()
    draft = ApiKeyDraft(name="Till 1", scopes=frozenset({Action.SELL}), store_id=store.id)
    trail = begun()

    with acting():
        made = accounts.create_api_key(key_id=new_id(), key=key, draft=draft)
        following = accounts.rotate_api_key(
            key_id=made.id, successor_id=new_id(), key=next_key, old_until=now + HOUR, expires_at=None, now=now
        )
        accounts.revoke_api_key(key_id=following.id, now=now)

    created, shortened, successor, revoked = [words(entry) for entry in trail.rows]
    assert created == [
        "api_key",
        str(made.id),
        store.id,
        "created",
        {"prefix": [None, made.prefix], "scopes": [None, '["sales.record"]'], "store_id": [None, str(store.id)]},
    ]
    assert (shortened[1], shortened[3], list(shortened[4])) == (str(made.id), "changed", ["expires_at"])
    assert (successor[1], successor[3]) == (str(following.id), "created")
    assert (revoked[1], revoked[3], list(revoked[4])) == (str(following.id), "changed", ["revoked_at"])


def test_a_keys_use_is_recorded_once_in_an_hour_as_the_machines_own_deed() -> None:
    key, start = new_secret_key(), datetime(2026, 11, 21, 12, tzinfo=UTC)
    draft = ApiKeyDraft(name="Till 1", scopes=frozenset({Action.SELL}))
    made = accounts.create_api_key(key_id=new_id(), key=key, draft=draft)
    trail = begun()

    for minutes in (0, 10, 59, 61, 110, 121):
        accounts.actor_of_key(key=key, now=start + timedelta(minutes=minutes))

    assert timedelta(minutes=10) >= machines.NOTED_AFTER
    assert [(entry.actor_id, entry.deed, list(entry.changes)) for entry in trail.of("api_key")] == [
        (made.id, "changed", ["last_used_at"])
    ] * 3


def test_a_login_is_its_persons_deed_and_its_end_whoevers_it_is() -> None:
    person = register()
    trail = begun()

    tokens = accounts.log_in(email=person.email, password=PASSWORD, address="203.0.113.7")
    tokens = accounts.refresh(refresh_token=tokens.refresh) or tokens
    accounts.log_out(refresh_token=tokens.refresh)

    begin, end = trail.rows
    assert (begin.subject, begin.deed, begin.actor_id, begin.about_id) == ("login", "created", person.id, person.id)
    assert (end.subject_id, end.deed, end.actor_id, end.about_id) == (begin.subject_id, "deleted", None, person.id)
    assert (begin.changes, end.changes) == ({}, {})


def test_a_product_is_recorded_when_somebody_makes_it_and_not_when_a_file_does() -> None:
    trail = begun()

    with acting():
        product = make_product(sku="LAMP", name="Lamp")
    make_product()

    entry = words(trail.one("product"))
    assert entry[:4] == ["product", str(product.id), None, "created"]
    assert entry[4].items() >= {"sku": [None, "LAMP"], "name": [None, "Lamp"], "price": [None, "10.00"]}.items()


def test_places_are_recorded() -> None:
    trail = begun()

    with acting():
        place = make_location(LocationKind.STORE, "Bellecour")
        draft = LocationDraft(place.kind, "Bellecour", "2 place Bellecour, Lyon", place.time_zone, lead_time_days=4)
        inventory.save_location(location_id=place.id, draft=draft)

    created, changed = [words(entry) for entry in trail.rows]
    assert created[:4] == ["location", str(place.id), None, "created"]
    assert changed == [
        "location",
        str(place.id),
        None,
        "changed",
        {"address": ["1 rue de la Paix, Paris", "2 place Bellecour, Lyon"], "lead_time_days": ["2", "4"]},
    ]


def test_counts_and_corrections_of_stock_are_recorded_and_no_other_move() -> None:
    store, product, person = make_store(), make_product(), new_id()
    trail = begun()

    receive(store, (product, 5), actor_id=person)
    adjust(store, (product, -2), actor_id=person)
    count(store, product, 9, actor_id=person)
    sell(product, store)

    adjusted, counted = trail.rows
    assert {adjusted.actor_id, counted.actor_id} == {person}
    assert adjusted.changes == {
        "reason": [None, "adjustment"],
        "delta": [None, "-2"],
        "before": [None, "5"],
        "after": [None, "3"],
    }
    assert counted.changes == {
        "reason": [None, "count"],
        "delta": [None, "6"],
        "before": [None, "3"],
        "after": [None, "9"],
    }


def test_the_end_of_a_discrepancy_is_recorded() -> None:
    store, product = make_store(), make_product()
    issue_departed(store, (product, 3))
    trail = begun()

    with acting():
        count(store, product, 4)

    assert trail.deeds == [("stock_movement", "created"), ("discrepancy", "changed")]
    assert [*trail.one("discrepancy").changes] == ["settled_at"]


def test_a_till_sale_leaves_no_entry_and_takes_as_many_statements_as_before() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 9)
    trail = begun()

    with acting(), CaptureQueriesContext(connection) as of_somebody:
        sell(product, store, cashier_id=ACTOR)
    with CaptureQueriesContext(connection) as of_nobody:
        sell(product, store, cashier_id=ACTOR)

    assert trail.rows == []
    assert len(of_somebody) == len(of_nobody)


def test_a_refund_is_recorded_about_its_store() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 9)
    sale = sell(product, store, quantity=2)
    trail = begun()

    with acting():
        returned = give_back(sale)

    entry = words(trail.one("refund"))
    assert entry[:4] == ["refund", str(returned.id), store.id, "created"]
    assert entry[4].items() >= {"returned": [None, "10.00"], "pieces_returned": [None, "1"]}.items()


def test_cash_in_and_out_and_the_closing_of_a_till_are_recorded() -> None:
    store, person = make_store(), new_id()
    session = open_till(store, actor_id=person)
    trail = begun()

    move_cash(session, CashDirection.OUT, "30.00", actor_id=person)
    close_till(session, "69.50", actor_id=person)

    cash, till = trail.rows
    assert (cash.subject, cash.actor_id, cash.deed) == ("cash", person, "created")
    assert cash.changes == {"direction": [None, "out"], "amount": [None, "30.00"]}
    assert (till.subject, till.actor_id, till.about_id, till.deed) == ("till", person, store.id, "changed")
    assert till.changes == {
        "z_number": [None, "1"],
        "expected_cash": [None, "70.00"],
        "counted_cash": [None, "69.50"],
    }


@pytest.mark.parametrize(
    ("decide", "changes"),
    [
        (approve, {"status": ["pending", "approved"], "approved_quantity": [None, "21"]}),
        (reject, {"status": ["pending", "rejected"]}),
        (cancel, {"status": ["pending", "cancelled"]}),
    ],
)
def test_a_decision_is_recorded_about_its_store(decide: Any, changes: dict[str, Any]) -> None:
    chain = Chain()
    made = request(chain)
    trail = begun()

    with acting():
        decide(made)

    entry = words(trail.one("request"))
    assert entry[:4] == ["request", str(made.id), chain.store.id, "changed"]
    assert {column: change for column, change in entry[4].items() if change} == changes
