"""Who may do what where: the chain's one policy, as data."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from accounts.interface import Action, Role, Scope

OWN, CHAIN = Scope.OWN_STORES, Scope.CHAIN

# Reserved by RFC 2606: nobody can receive mail there, so such accounts are for demonstrations only.
DEMO_DOMAIN = "@demo.example"

POLICY: Mapping[Role, Mapping[Action, Scope]] = {
    Role.CASHIER: {
        Action.READ_STOCK: CHAIN,
        Action.REQUEST_STOCK: OWN,
        Action.SELL: OWN,
        Action.REFUND: OWN,
        Action.RUN_TILL: OWN,
        Action.READ_SALES: OWN,
    },
    Role.STORE_MANAGER: {
        Action.READ_STOCK: CHAIN,
        Action.COUNT_STOCK: OWN,
        Action.RECEIVE_STOCK: OWN,
        Action.ADJUST_STOCK: OWN,
        Action.REQUEST_STOCK: OWN,
        Action.SELL: OWN,
        Action.REFUND: OWN,
        Action.RUN_TILL: OWN,
        Action.SUPERVISE_TILL: OWN,
        Action.READ_SALES: OWN,
        Action.READ_REPORTS: OWN,
    },
    Role.WAREHOUSE: {
        Action.READ_STOCK: CHAIN,
        Action.COUNT_STOCK: CHAIN,
        Action.RECEIVE_STOCK: CHAIN,
        Action.TRANSFER_STOCK: CHAIN,
        Action.ADJUST_STOCK: CHAIN,
        Action.DECIDE_REQUESTS: CHAIN,
    },
    Role.CATALOG_MANAGER: {
        Action.EDIT_CATALOG: CHAIN,
        Action.READ_STOCK: CHAIN,
    },
    Role.HEAD_OFFICE: dict.fromkeys(Action, CHAIN),
}


def may_enter(email: str, *, in_production: bool) -> bool:
    """Whether this account may be used: the demonstration's password is public."""
    return not (in_production and email.endswith(DEMO_DOMAIN))


def everywhere(roles: Collection[Role]) -> frozenset[Action]:
    """The actions that any of these roles allows in the whole chain."""
    return frozenset(action for role in roles for action, scope in POLICY[role].items() if scope is CHAIN)


def in_stores(memberships: Iterable[tuple[Role, UUID | None]]) -> dict[Action, frozenset[UUID]]:
    """The actions that roles held in stores allow there: for each action, the stores. A membership is (role, store)."""
    granted: dict[Action, frozenset[UUID]] = {}
    for role, store_id in memberships:
        for action, scope in POLICY[role].items():
            if scope is OWN and store_id is not None:
                granted[action] = granted.get(action, frozenset()) | {store_id}
    return granted
