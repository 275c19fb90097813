from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import connection

from accounts.interface import NewStaff, Role, accounts
from cart.interface import Holder, carts, new_token
from catalog.interface import Product
from checkout.interface import Destination, checkout
from checkout.service import paying
from checkout.service.providers import provider
from inventory.interface import Location
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from shared_kernel.published import bind
from tests.accounts.actions import home, register
from tests.cart.actions import Owner, add, item
from tests.chain import PASSWORD, make_person, make_product, make_store, make_warehouse, put_in_stock, sell
from tests.checkout.bank import CARD, Bank
from tests.conftest import HANDLES
from tests.gunicorn_server import Server, serving
from tests.journeys.installation import Installation, installed
from tests.journeys.placements import SentTwice, Serialised
from tests.payment_sandbox.running import SECRET
from tests.sales.actions import open_till
from tests.threads import empty_queue

# Of the cart that is known.
CART_TOKEN = new_token()


@pytest.fixture(params=[None, Serialised, SentTwice], ids=["in process", "through JSON", "sent twice"])
def placement(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param is None:
        yield
        return
    before = [(handle, handle.implementation) for handle, _ in HANDLES]
    for handle, implementation in before:
        bind(handle, request.param(implementation, handle.protocol))
    yield
    for handle, implementation in before:
        bind(handle, implementation)


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gunicorn as in production, with two processes of eight threads."""
    with serving(tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def installation(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two replicas of the web server, with all that they need."""
    with installed(tmp_path_factory.mktemp("installation"), replicas=2) as installation:
        yield installation


@pytest.fixture
def same_provider(installation: Installation, settings: Any) -> Iterator[None]:
    """Calls within a test go to the installation's payment provider, too, which has charged nobody."""
    installation.begin_new_books()
    settings.COMPTOIR_SANDBOX_URL = installation.provider.address
    settings.COMPTOIR_SANDBOX_SECRET = SECRET
    provider.cache_clear()
    yield
    provider.cache_clear()


@pytest.fixture
def real_commits(transactional_db: None) -> Iterator[None]:
    """Fails when Postgres has ended a deadlock in the test's database, even one that somebody made up for."""
    before = deadlocks()
    yield
    empty_queue()
    assert deadlocks() == before


@pytest.fixture
def known() -> dict[str, UUID]:
    """Things that exist, by the names of the parameters that name them."""
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 1000)
    put_in_stock(product, store, 1000)
    session_id = open_till(store).id
    customer_id = register(email="known@example.com").id
    visitor = Owner(new_id(), Holder(token=CART_TOKEN))
    carts.open_cart(cart_id=visitor.cart_id, token=CART_TOKEN, now=datetime.now(UTC))
    order_id, paid_order_id = order_of(visitor, product, store), order_of(visitor, product, store)
    add(visitor, product)
    with patch.object(paying, "provider", Bank):
        job_id = checkout.pay(
            payment_id=new_id(), order_id=paid_order_id, card=CARD, actor_id=None, now=datetime.now(UTC)
        ).id
    return {
        "customer_id": customer_id,
        "address_id": accounts.add_address(customer_id=customer_id, address_id=new_id(), draft=home()).id,
        "store_id": store.id,
        "location_id": store.id,
        "from_location_id": warehouse.id,
        "to_location_id": store.id,
        "product_id": product.id,
        "cart_id": visitor.cart_id,
        "item_id": item(visitor, product),
        "sale_id": sell(product, store, 100).id,
        "order_id": order_id,
        "job_id": job_id,
        "request_id": replenishment.request(
            request_id=new_id(),
            product_id=product.id,
            store_id=store.id,
            quantity=5,
            actor_id=None,
            now=datetime.now(UTC),
        ).id,
        "session_id": session_id,
        "till_session_id": session_id,
    }


def order_of(visitor: Owner, product: Product, store: Location) -> UUID:
    """An order of this product by somebody whose cart is empty, before and afterwards."""
    add(visitor, product)
    return checkout.process(
        order_id=new_id(),
        cart_id=visitor.cart_id,
        holder=visitor.holder,
        destination=Destination("known@example.com", pickup_store_id=store.id),
        now=datetime.now(UTC),
    ).id


@pytest.fixture
def unlimited(settings: Any) -> None:
    """Lets one address register, guess and forget its password as often as a test wants to."""
    settings.COMPTOIR_RATE_LIMITS = {}


@pytest.fixture
def headers() -> dict[str, str]:
    """Of a person who may do everything."""
    tokens = accounts.log_in(email=make_person(Role.HEAD_OFFICE), password=PASSWORD, address="")
    return {"Authorization": f"Bearer {tokens.access}", "X-Cart-Token": CART_TOKEN}


@pytest.fixture
def roles_headers(known: dict[str, UUID]) -> list[dict[str, str]]:
    """Of a person of each role, in the store that is known where the role is held in stores."""
    people = [NewStaff(f"{role}@known.example", str(role), PASSWORD, role, (known["store_id"],)) for role in Role]
    accounts.ensure_staff(staff=people)
    tokens = [accounts.log_in(email=person.email, password=PASSWORD, address="") for person in people]
    return [{"Authorization": f"Bearer {each.access}", "X-Cart-Token": CART_TOKEN} for each in tokens]


@pytest.fixture
def customers_headers(known: dict[str, UUID]) -> dict[str, str]:
    """Of the customer who is known."""
    tokens = accounts.log_in(email="known@example.com", password=PASSWORD, address="")
    return {"Authorization": f"Bearer {tokens.access}", "X-Cart-Token": CART_TOKEN}


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
