"""Every operation for every caller: who gets an answer, and how everybody else is refused, changing nothing.

Each operation has a row that says, by hand, what it takes. Whether a caller has it follows from the chain's policy.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import jwt
import pytest
from django.test import Client

from accounts.interface import Action, ApiKeyDraft, Role, Scope, accounts, new_secret_key
from accounts.rules import OF_STORES, POLICY
from accounts.service import tokens
from cart.interface import new_token
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL
from tests.chain import make_person
from tests.checkout.conftest import bank
from tests.journeys.document import generated, operations
from tests.journeys.world import OTHER_EMAIL, Call, World, calls, everything, path_of, tokens_of, undone

# The payment provider of all calls.
__all__ = ["bank"]

DOCUMENT = generated()
OPERATIONS = operations(DOCUMENT)

# --- What each operation takes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gate:
    """A caller passes who holds one of these actions, in the store or anywhere; or who is one of `open_to`.

    Whoever does not pass gets this status and code.
    """

    actions: tuple[Action, ...]
    in_store: bool
    status: int = 403
    code: str = "not_allowed"
    open_to: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Row:
    """The gates of an operation, one behind the other. A public one has none, and lets in whoever says nothing.

    What it makes of a token or a key that does not hold is up to it.
    """

    gates: tuple[Gate, ...]
    public: bool = False
    ignores_identity: bool = False


def anywhere(*actions: Action) -> Gate:
    return Gate(actions, in_store=False)


def in_store(*actions: Action) -> Gate:
    return Gate(actions, in_store=True)


def unseen(code: str, *actions: Action) -> Gate:
    """Of whoever may not do this in the thing's store, the thing is hidden."""
    return Gate(actions, in_store=True, status=404, code=code)


def customers_own(action: Action) -> Row:
    """The customer themselves, and whoever may do this to people; from others, the customer is hidden."""
    themselves = frozenset({"the customer"})
    return Row((Gate((action,), in_store=False, status=404, code="customer_not_found", open_to=themselves),))


def about_oneself(code: str, *who: str) -> Row:
    return Row((Gate((), in_store=False, status=404, code=code, open_to=frozenset(who)),))


CUSTOMERS = ("the customer", "another customer")
STAFF = (*Role, "cashier elsewhere", "store_manager elsewhere")

PUBLIC = Row((), public=True, ignores_identity=True)
PUBLIC_READ = Row((), public=True)
READS_STOCK = Row((anywhere(Action.READ_STOCK),))
EDITS_CATALOG = Row((anywhere(Action.EDIT_CATALOG),))
EDITS_STORES = Row((anywhere(Action.EDIT_STORES),))
DECIDES = Row((anywhere(Action.DECIDE_REQUESTS),))
REQUESTS = Row((in_store(Action.REQUEST_STOCK),))
READS_REPORTS = Row((in_store(Action.READ_REPORTS),))
RUNS_TILLS = Row((in_store(Action.RUN_TILL),))
SEES_SALES = (anywhere(Action.READ_SALES), unseen("sale_not_found", Action.READ_SALES))
SEES_TILL = Row((anywhere(Action.RUN_TILL), unseen("till_session_not_found", Action.RUN_TILL)))
SEES_REQUEST = (
    anywhere(Action.READ_STOCK),
    unseen("request_not_found", Action.REQUEST_STOCK, Action.DECIDE_REQUESTS),
)
SEES_ORDER = unseen("order_not_found", Action.READ_ORDERS)
SEES_ORDER_OR_BUYS = replace(SEES_ORDER, open_to=frozenset(CUSTOMERS))
MANAGES_ORDER_OR_BUYS = Row(
    (SEES_ORDER_OR_BUYS, replace(anywhere(Action.MANAGE_ORDERS), open_to=frozenset(CUSTOMERS))), public=True
)
LISTS_REQUESTS = Row((anywhere(Action.READ_STOCK), in_store(Action.REQUEST_STOCK, Action.DECIDE_REQUESTS)))

KNOWN = Row(())

ROWS: dict[str, Row] = {
    # People.
    "log_in": PUBLIC,
    "log_in_customer": PUBLIC,
    "refresh_token": PUBLIC,
    "log_out": PUBLIC,
    "register": PUBLIC,
    "request_password_reset": PUBLIC,
    "reset_password": PUBLIC,
    "verify_email": PUBLIC,
    "change_password": about_oneself("person_not_found", *CUSTOMERS, *STAFF),
    "export_customer": about_oneself("customer_not_found", *CUSTOMERS),
    "request_verification": about_oneself("customer_not_found", *CUSTOMERS),
    "list_customers": Row((anywhere(Action.READ_PEOPLE),)),
    "customer": customers_own(Action.READ_PEOPLE),
    "replace_customer": customers_own(Action.EDIT_PEOPLE),
    "update_customer": customers_own(Action.EDIT_PEOPLE),
    "erase_customer": customers_own(Action.EDIT_PEOPLE),
    "list_addresses": customers_own(Action.READ_PEOPLE),
    "address": customers_own(Action.READ_PEOPLE),
    "add_address": customers_own(Action.EDIT_PEOPLE),
    "replace_address": customers_own(Action.EDIT_PEOPLE),
    "remove_address": customers_own(Action.EDIT_PEOPLE),
    # Catalogue.
    "list_products": PUBLIC_READ,
    "product": PUBLIC_READ,
    "list_categories": PUBLIC_READ,
    "create_product": EDITS_CATALOG,
    "replace_product": EDITS_CATALOG,
    "update_product": EDITS_CATALOG,
    "archive_product": EDITS_CATALOG,
    # Stores and stock.
    "list_stores": PUBLIC,
    "store": PUBLIC,
    "create_store": EDITS_STORES,
    "replace_store": EDITS_STORES,
    "check_availability": PUBLIC,
    "product_stock": PUBLIC,
    "store_stock": READS_STOCK,
    "central_stock": READS_STOCK,
    "stock_of_product_in_store": READS_STOCK,
    "list_movements": READS_STOCK,
    "list_discrepancies": READS_STOCK,
    "count_stock": Row((in_store(Action.COUNT_STOCK),)),
    "receive_stock": Row((in_store(Action.RECEIVE_STOCK),)),
    "transfer_stock": Row((anywhere(Action.TRANSFER_STOCK),)),
    "adjust_stock": Row((in_store(Action.ADJUST_STOCK),)),
    # Sales.
    "record_sale": Row((in_store(Action.SELL), in_store(Action.REFUND))),
    "record_offline_sales": Row((in_store(Action.SELL),)),
    "sale": Row(SEES_SALES),
    "receipt": Row(SEES_SALES),
    "record_return": Row((*SEES_SALES, in_store(Action.REFUND))),
    "list_store_sales": Row((in_store(Action.READ_SALES),)),
    "open_till": RUNS_TILLS,
    "list_till_sessions": RUNS_TILLS,
    "till_session": SEES_TILL,
    "move_cash": SEES_TILL,
    "close_till": SEES_TILL,
    "sales_report": READS_REPORTS,
    "dashboard": READS_REPORTS,
    "statistics": Row((anywhere(Action.READ_REPORTS),)),
    # Carts: whoever knows an anonymous one's token has it.
    "open_cart": PUBLIC_READ,
    "cart": PUBLIC_READ,
    "empty_cart": PUBLIC_READ,
    "add_cart_item": PUBLIC_READ,
    "replace_cart_item": PUBLIC_READ,
    "update_cart_item": PUBLIC_READ,
    "remove_cart_item": PUBLIC_READ,
    "own_cart": about_oneself("customer_not_found", *CUSTOMERS),
    "merge_cart": about_oneself("customer_not_found", *CUSTOMERS),
    # Orders: whoever knows the token of the cart that one was made of has it.
    "validate_checkout": PUBLIC_READ,
    "process_checkout": PUBLIC_READ,
    "place_order": Row((anywhere(Action.PLACE_ORDERS),)),
    "list_orders": Row((anywhere(Action.READ_ORDERS, Action.PLACE_ORDERS),)),
    "order_statistics": Row((anywhere(Action.MANAGE_ORDERS),)),
    "list_customer_orders": customers_own(Action.READ_ORDERS),
    "order": Row((SEES_ORDER_OR_BUYS,), public=True),
    "job": Row((SEES_ORDER_OR_BUYS,), public=True),
    "change_order": MANAGES_ORDER_OR_BUYS,
    "cancel_order": MANAGES_ORDER_OR_BUYS,
    "pay_order": MANAGES_ORDER_OR_BUYS,
    "advance_order": Row((SEES_ORDER, in_store(Action.FULFIL_ORDERS))),
    "send_order_parcel": Row((SEES_ORDER, in_store(Action.FULFIL_ORDERS))),
    "refund_order": Row((SEES_ORDER, anywhere(Action.MANAGE_ORDERS))),
    "delete_order": Row((SEES_ORDER, anywhere(Action.MANAGE_ORDERS))),
    "hear_provider": PUBLIC,
    # Checks of values: for whoever is known.
    "validate_product": KNOWN,
    "validate_customer": KNOWN,
    "validate_email": KNOWN,
    "validate_phone": KNOWN,
    "validate_order": KNOWN,
    "validate_stock": KNOWN,
    # Replenishment.
    "request_stock": REQUESTS,
    "list_requests": LISTS_REQUESTS,
    "replenishment_request": Row(SEES_REQUEST),
    "cancel_request": Row((*SEES_REQUEST, in_store(Action.REQUEST_STOCK))),
    "approve_request": DECIDES,
    "reject_request": DECIDES,
    "decide_requests": DECIDES,
    "ship_request": DECIDES,
    "receive_request": Row((*SEES_REQUEST, in_store(Action.RECEIVE_STOCK))),
    "list_suggestions": LISTS_REQUESTS,
    "accept_suggestions": REQUESTS,
}

# --- Who calls ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Somebody with what they may do, where the store is or is not their own; or nobody, for the reason `unknown`."""

    name: str
    client: Client
    holds: Mapping[Action, Scope] = field(default_factory=dict)
    own: bool = True
    unknown: str = ""

    def passes(self, gate: Gate) -> bool:
        held = {self.holds.get(action) for action in gate.actions}
        in_stores = Scope.OWN_STORES in held and (self.own or not gate.in_store)
        return self.name in gate.open_to or Scope.CHAIN in held or in_stores

    def refusal(self, row: Row) -> tuple[int, str] | None:
        """The status and the code that an operation answers; None where it carries the call out."""
        if row.public and (row.ignores_identity or self.unknown == "login_required"):
            return None
        if self.unknown:
            return 401, self.unknown
        return next(((gate.status, gate.code) for gate in row.gates if not self.passes(gate)), None)


def bearer(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def expired(token: str) -> str:
    """The same token, signed by the same key, a minute after its end."""
    ring = tokens.key_ring()
    claims = jwt.decode(token, options={"verify_signature": False})
    past = {"iat": datetime.now(UTC) - timedelta(minutes=11), "exp": datetime.now(UTC) - timedelta(minutes=1)}
    kid = tokens.name_of(ring.signing.public_key())
    return jwt.encode(claims | past, ring.signing, tokens.ALGORITHM, headers={"kid": kid})


def machine(*actions: Action, at: UUID | None = None, **draft: Any) -> tuple[UUID, Client]:
    """A machine's key and its client."""
    key_id, key = new_id(), new_secret_key()
    values = {"name": "Till", "scopes": frozenset(actions), "store_id": at} | draft
    accounts.create_api_key(key_id=key_id, key=key, draft=ApiKeyDraft(**values))
    return key_id, Client(headers={"X-API-Key": key})


def make_callers(world: World) -> list[Caller]:
    """All callers but the machines, which depend on the operation."""
    of_head_office = tokens_of(make_person(Role.HEAD_OFFICE)).access
    revoked_id, revoked = machine(*Action)
    accounts.revoke_api_key(key_id=revoked_id, now=datetime.now(UTC))
    _, late = machine(*Action, expires_at=datetime.now(UTC) - timedelta(minutes=1))
    return [
        Caller("nobody", Client(), unknown="login_required"),
        Caller("an expired token", bearer(expired(of_head_office)), unknown="invalid_token"),
        Caller("a made up token", bearer("nonsense"), unknown="invalid_token"),
        Caller("a revoked key", revoked, unknown="invalid_api_key"),
        Caller("an expired key", late, unknown="invalid_api_key"),
        *(Caller(role, bearer(token_in(world, role)), POLICY[role]) for role in Role),
        *(
            Caller(f"{role} elsewhere", bearer(token_in(world, role, elsewhere=True)), POLICY[role], own=False)
            for role in (Role.CASHIER, Role.STORE_MANAGER)
        ),
        Caller("the customer", bearer(tokens_of(EMAIL).access)),
        Caller("another customer", bearer(tokens_of(OTHER_EMAIL).access)),
    ]


def token_in(world: World, role: Role, *, elsewhere: bool = False) -> str:
    store = world.elsewhere if elsewhere else world.store
    stores = [store] if Scope.OWN_STORES in POLICY[role].values() else []
    return tokens_of(make_person(role, *stores)).access


def machines(world: World, row: Row) -> Iterator[Caller]:
    """Machines with exactly what it takes, in the store and in another, and with everything else."""
    needed = {gate.actions[0] for gate in row.gates if gate.actions}
    if needed and needed <= OF_STORES:
        for own, store in ((True, world.store), (False, world.elsewhere)):
            _, client = machine(*needed, at=store.id)
            name = "a machine" if own else "a machine elsewhere"
            yield Caller(name, client, dict.fromkeys(needed, Scope.OWN_STORES), own)
    elif needed:
        yield Caller("a machine", machine(*needed)[1], dict.fromkeys(needed, Scope.CHAIN))
    for gate in row.gates:
        others = set(Action) - set(gate.actions)
        name = f"a machine without {' and '.join(gate.actions)}"
        yield Caller(name, machine(*others)[1], dict.fromkeys(others, Scope.CHAIN))


# What somebody may be given in one store: what some role does there, and to see what stores see.
HELD_IN_STORES = {action for role in (Role.CASHIER, Role.STORE_MANAGER) for action in POLICY[role]}


# --- The matrix -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    world: World
    callers: list[Caller]
    calls: dict[str, Call]


@pytest.fixture
def stage(db: None) -> Stage:
    world = World()
    return Stage(world, make_callers(world), calls(world))


def send(stage: Stage, operation_id: str, client: Client, **changes: Any) -> Any:
    """Call an operation about what exists; `changes` are those to its valid call."""
    method, path, _ = OPERATIONS[operation_id]
    call = replace(stage.calls.get(operation_id, Call()), **changes)
    address = path.format(**path_of(stage.world, call))
    if call.query:
        address = f"{address}?{urlencode(call.query)}"
    content = "" if call.body is None else json.dumps(call.body, default=str)
    return client.generic(method, address, content, content_type="application/json", headers=call.headers)


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert ROWS.keys() == OPERATIONS.keys()


def test_the_document_calls_public_what_the_rows_call_public() -> None:
    assert {name for name, (_, _, said) in OPERATIONS.items() if said["security"] == [{}]} == {
        name for name, row in ROWS.items() if row.public
    }


# The operations of each part of the document, which share a stage.
PARTS = {
    tag: [name for name, (_, _, said) in OPERATIONS.items() if said["tags"] == [tag] and name in ROWS]
    for tag in sorted({said["tags"][0] for _, _, said in OPERATIONS.values()})
}


@pytest.mark.parametrize("part", PARTS)
def test_each_caller_gets_the_answer_that_the_policy_gives_them(stage: Stage, part: str) -> None:
    found, expected = {}, {}
    for operation_id in PARTS[part]:
        row, (_, _, said) = ROWS[operation_id], OPERATIONS[operation_id]
        done = (min(int(status) for status in said["responses"]), "")
        with undone():
            callers = [*stage.callers, *machines(stage.world, row)]
            before = everything()
            for caller in callers:
                expected[operation_id, caller.name] = caller.refusal(row) or done
                with undone():
                    answer = send(stage, operation_id, caller.client)
                    refused = answer.status_code >= 400
                    found[operation_id, caller.name] = (answer.status_code, answer.json()["code"] if refused else "")
                    assert not refused or everything() == before, (operation_id, caller.name)

    assert {cell: (found[cell], answer) for cell, answer in expected.items() if found[cell] != answer} == {}


# --- What a caller sees of lists, and what nobody sets --------------------------------------------------------------

LISTS = [
    "list_till_sessions",
    "list_requests",
    "list_suggestions",
    "sales_report",
    "statistics",
    "dashboard",
]


def test_a_list_that_names_no_store_shows_ones_own_stores_alone(stage: Stage) -> None:
    store_id = str(stage.world.store.id)
    seen = {
        operation_id: {
            caller.name
            for caller in stage.callers
            if store_id in send(stage, operation_id, caller.client, query={}).content.decode()
        }
        for operation_id in LISTS
    }

    assert {name for names in seen.values() for name in names} <= set(Role)
    assert [operation_id for operation_id, names in seen.items() if Role.STORE_MANAGER not in names] == []


def test_a_cart_without_its_token_is_nobodys(stage: Stage) -> None:
    about_one = [name for name in PARTS["cart"] if "{cart_id}" in OPERATIONS[name][1]]
    wrong = [{}, {"X-Cart-Token": new_token()}]
    before = everything()

    found = {
        (name, caller.name): send(stage, name, caller.client, headers=headers).status_code
        for name in about_one
        for headers in wrong
        for caller in stage.callers
    }

    assert {cell for cell, status in found.items() if status not in {401, 404}} == set()
    assert {name for name, _ in found} == set(about_one)
    assert everything() == before


NOBODYS = {
    "status": "paid",
    "price": "0.01",
    "role": "head_office",
    "store": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11",
    "total": "0.01",
    "is_staff": True,
    "id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11",
}
# A product's price is the catalogue's to set, an order's status the office's, and products are named by their ids; this
# request's status is read over on purpose: it starts as pending.
TAKEN = {
    ("advance_order", "status", 0),
    ("place_order", "id", 1),
    ("create_product", "price", 0),
    ("replace_product", "price", 0),
    ("update_product", "price", 0),
    ("request_stock", "status", 0),
    ("validate_order", "id", 1),
    ("validate_product", "price", 0),
}
TAKING_A_BODY = [name for name, (_, _, said) in OPERATIONS.items() if "requestBody" in said]


def test_a_body_sets_nothing_beyond_its_own_fields(stage: Stage) -> None:
    before = everything()

    found = {}
    for operation_id in TAKING_A_BODY:
        row, body = ROWS[operation_id], stage.calls[operation_id].body
        client = next(caller.client for caller in stage.callers if caller.refusal(row) is None)
        for name, value in NOBODYS.items():
            for number, changed in enumerate(with_field(body, name, value)):
                with undone():
                    answer = send(stage, operation_id, client, body=changed)
                    found[operation_id, name, number] = answer.status_code == 422 or answer.json().get("valid") is False
                    assert (operation_id, name, number) in TAKEN or everything() == before, changed

    assert {cell for cell, is_refused in found.items() if not is_refused} == TAKEN


def with_field(body: Any, name: str, value: Any) -> Iterator[Any]:
    """The same body with this field in the object that it is, and in each one within it."""
    if isinstance(body, dict):
        yield body | {name: value}
        for key, inner in body.items():
            yield from (body | {key: changed} for changed in with_field(inner, name, value))
    if isinstance(body, list):
        for place, inner in enumerate(body):
            yield from ([*body[:place], changed, *body[place + 1 :]] for changed in with_field(inner, name, value))
