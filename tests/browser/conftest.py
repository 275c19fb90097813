"""A real Chromium before a real server."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import Visitor
from tests.chromium import executable
from tests.gunicorn_server import Server, serving
from tests.threads import empty_queue

# Playwright's event loop runs in the thread of the tests, which Django would take for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# What a browser of its own accord would load from the network, and what needs a desktop.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gunicorn with the collected static files, as in production."""
    data = tmp_path_factory.mktemp("data")
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    environment = os.environ | {"COMPTOIR_DATA": str(data)}
    subprocess.run(collect, cwd=settings.BASE_DIR, env=environment, check=True)
    with serving(data / "log", COMPTOIR_DATA=str(data)) as server:
        yield server


# Not for the whole session: while Playwright is there, so is its event loop, beside which no other can run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(transactional_db: None, server: Server, chromium: Browser) -> Iterator[Visitor]:
    """Somebody with a browser. Fails when a page has complained: of a script, a style, or what it may not load."""
    visitor = Visitor(chromium, server)
    yield visitor
    visitor.leave()
    empty_queue()
    assert visitor.complaints == []
