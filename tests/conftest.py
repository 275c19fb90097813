"""What all tests share: a real Postgres, and every published call under its module's own database role."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.db.transaction import atomic
from django.utils import translation

from accounts.interface import accounts
from cart.interface import carts
from catalog.interface import catalog, shelves
from checkout.interface import checkout
from config import limits
from inventory.interface import inventory
from replenishment.interface import replenishment
from sales.interface import backlog, sales
from shared_kernel.postgres.roles import apply_roles
from shared_kernel.published import bind
from tests.events import queue
from tests.threads import empty_queue

# A machine busy with other tests may take its time over one example.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# Each handle, and the role that its calls run under.
HANDLES: list[tuple[Any, str]] = [
    (accounts, "accounts"),
    (catalog, "catalog"),
    (shelves, "inventory"),
    (inventory, "inventory"),
    (sales, "sales"),
    (backlog, "replenishment"),
    (replenishment, "replenishment"),
    (carts, "cart"),
    (checkout, "checkout"),
]


class UnderRole:
    """Carries out each published call as the module's database role, so that SQL on a foreign table fails."""

    def __init__(self, implementation: Any, role: str) -> None:
        self.implementation = implementation
        self.role = role

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.implementation, name)

        def call(**arguments: Any) -> Any:
            # The savepoint gives the role back when the call fails; a success hands it back by itself.
            with atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT current_user")
                caller = cursor.fetchone()[0]
                cursor.execute(f'SET LOCAL ROLE "{self.role}"')
                result = method(**arguments)
                cursor.execute(f'SET LOCAL ROLE "{caller}"')
                return result

        return call


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Give each run of the tests a database of its own, and then each of its parallel workers."""
    connection.settings_dict["TEST"]["NAME"] = f"test_comptoir_{os.environ['COMPTOIR_TEST_RUN']}"
    request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database, with the modules' roles in it."""
    with django_db_blocker.unblock():
        apply_roles()


class QuickArgon2(Argon2PasswordHasher):
    """The real hash at a hundredth of its price; whoever verifies it takes the parameters from the hash."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.conftest.QuickArgon2"]


@pytest.fixture(autouse=True)
def uncollected_static_files(settings: Any) -> None:
    """Pages name their files as they are, without a manifest of collected ones."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    """What other tests have called, and were refused, does not count."""
    limits._storage.cache_clear()


@pytest.fixture(autouse=True)
def no_language_left_over() -> Iterator[None]:
    """A page that was answered in French leaves its language to the thread, and so to the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def module_roles(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every published call runs under its module's role, but in tests marked `plain_calls`."""
    if request.node.get_closest_marker("plain_calls"):
        yield
        return
    before = [(handle, bind(handle, UnderRole(handle.implementation, role))) for handle, role in HANDLES]
    yield
    for handle, implementation in before:
        bind(handle, implementation)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Callable[[str], None]]:
    """Lets a real worker do what waits in the queue that is named."""
    empty_queue()
    yield partial(queue.work, monkeypatch)
    empty_queue()
