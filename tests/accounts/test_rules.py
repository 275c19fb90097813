"""The chain's policy, cell by cell: what each role may do, and where."""

from uuid import UUID

import pytest

from accounts.interface import Action, Actor, ApiKeyDraft, NotAllowed, Role, Scope
from accounts.rules import POLICY, api_key_errors, everywhere, in_stores, may_enter
from tests.accounts.policy_table import BEGIN, DOCUMENT, render

ONE, OTHER = UUID(int=1), UUID(int=2)

# One line per action; a column per role: cashier, store manager, warehouse, catalogue manager, head office.
TABLE = """
    keys.manage           -      -      -      -      chain
    audit.read            -      -      -      -      chain
    catalog.edit          -      -      -      chain  chain
    stores.edit           -      -      -      -      chain
    people.read           -      chain  -      -      chain
    people.edit           -      -      -      -      chain
    stock.read            chain  chain  chain  chain  chain
    stock.count           -      own    chain  -      chain
    stock.receive         -      own    chain  -      chain
    stock.transfer        -      -      chain  -      chain
    stock.adjust          -      own    chain  -      chain
    replenishment.request own    own    -      -      chain
    replenishment.decide  -      -      chain  -      chain
    sales.record          own    own    -      -      chain
    sales.refund          own    own    -      -      chain
    sales.read            own    own    -      -      chain
    till.run              own    own    -      -      chain
    till.supervise        -      own    -      -      chain
    reports.read          -      own    -      -      chain
    orders.place          -      -      -      -      chain
    orders.read           own    own    chain  -      chain
    orders.fulfil         own    own    chain  -      chain
    orders.manage         -      -      -      -      chain
"""
SCOPES = {"-": None, "own": Scope.OWN_STORES, "chain": Scope.CHAIN}
LINES = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (role, Action(action), SCOPES[cell]) for action, *cells in LINES for role, cell in zip(Role, cells, strict=True)
]


def actor(*memberships: tuple[Role, UUID | None]) -> Actor:
    roles = frozenset(role for role, _ in memberships)
    return Actor(UUID(int=9), "Camille", roles, everywhere(roles), in_stores(memberships))


@pytest.mark.parametrize(("role", "action", "scope"), CELLS)
def test_a_role_may_do_this_in_its_scope(role: Role, action: Action, scope: Scope | None) -> None:
    assert POLICY[role].get(action) == scope


def test_the_table_names_every_role_and_action() -> None:
    assert {(role, action) for role, action, _ in CELLS} == {(role, action) for role in Role for action in Action}


def test_whoever_may_edit_people_may_do_everything_already() -> None:
    editors = [role for role in Role if Action.EDIT_PEOPLE in POLICY[role]]

    # So nobody can give themselves a role that holds more than theirs.
    assert [POLICY[role] for role in editors] == [dict.fromkeys(Action, Scope.CHAIN)]


def test_the_published_table_is_up_to_date() -> None:
    published = DOCUMENT.read_text()

    assert BEGIN in published
    assert published == render(published), "Run `make policy` and commit docs/security.md."


@pytest.mark.parametrize(("role", "action", "scope"), CELLS)
def test_somebody_with_the_role_in_a_store_may(role: Role, action: Action, scope: Scope | None) -> None:
    person = actor((role, ONE))

    assert person.may(action, at=ONE) is (scope is not None)
    assert person.may(action, at=OTHER) is (scope is Scope.CHAIN)
    assert person.may(action) is (scope is not None)
    assert person.stores_for(action) == {None: frozenset(), Scope.OWN_STORES: {ONE}, Scope.CHAIN: None}[scope]


@pytest.mark.parametrize(("role", "action", "scope"), CELLS)
def test_somebody_with_the_role_but_no_store_may_act_in_the_chain_alone(
    role: Role, action: Action, scope: Scope | None
) -> None:
    assert actor((role, None)).may(action) is (scope is Scope.CHAIN)


def test_roles_and_stores_add_up() -> None:
    person = actor((Role.CASHIER, ONE), (Role.STORE_MANAGER, OTHER), (Role.CASHIER, OTHER))

    assert person.stores_for(Action.SELL) == {ONE, OTHER}
    assert person.stores_for(Action.COUNT_STOCK) == {OTHER}
    assert person.stores_for(Action.READ_STOCK) is None


def test_a_refusal_says_what_and_where() -> None:
    cashier = actor((Role.CASHIER, ONE))

    cashier.require(Action.SELL, at=ONE)
    with pytest.raises(NotAllowed) as elsewhere:
        cashier.require(Action.SELL, at=OTHER)
    with pytest.raises(NotAllowed) as nowhere:
        cashier.require(Action.EDIT_CATALOG)

    assert (elsewhere.value.action, elsewhere.value.location_id) == (Action.SELL, OTHER)
    assert str(elsewhere.value) == (f"You may not do sales.record at location {OTHER}: act in a store of your own.")
    assert str(nowhere.value) == ("Your role does not allow catalog.edit: ask the head office for a role that does.")


@pytest.mark.parametrize(
    ("email", "in_production", "may"),
    [
        ("head@demo.example", False, True),
        ("head@demo.example", True, False),
        ("head@comptoir.example", True, True),
        ("demo.example@comptoir.example", True, True),
    ],
)
def test_demo_accounts_do_not_enter_in_production(email: str, in_production: bool, may: bool) -> None:
    assert may_enter(email, in_production=in_production) is may


# What shops do, or see of the chain.
OF_STORES = {
    "stock.read",
    "stock.count",
    "stock.receive",
    "stock.adjust",
    "replenishment.request",
    "sales.record",
    "sales.refund",
    "sales.read",
    "till.run",
    "till.supervise",
    "reports.read",
    "orders.read",
    "orders.fulfil",
}


@pytest.mark.parametrize("action", Action)
def test_a_key_of_one_store_may_do_what_shops_do(action: Action) -> None:
    draft = ApiKeyDraft("Till", frozenset({action}), store_id=ONE)

    assert (api_key_errors(draft) == []) is (action in OF_STORES)


def test_a_key_of_the_chain_may_do_anything() -> None:
    assert api_key_errors(ApiKeyDraft("Reseller", frozenset(Action))) == []
