"""Pictures of every page: `make screenshots` takes them with the demonstration's data, into docs/img."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.interface import Role
from config import demo
from tests.browser.chain import let_things_happen, open_chain, pages
from tests.browser.visitor import DESKTOP, PHONE, TABLET, Visitor

pytestmark = pytest.mark.plain_calls

ASKED_FOR = os.environ.get("COMPTOIR_SCREENSHOTS")

# Beside the desktop's in English: how it looks to others.
OTHERS = [
    ("overview", DESKTOP, "fr", "dark", "overview-fr-dark"),
    ("stock", PHONE, "fr", "light", "stock-phone"),
    ("store", TABLET, "en", "dark", "store-tablet-dark"),
]


def test_every_page_has_its_picture(visitor: Visitor, tmp_path: Path) -> None:
    folder = Path(settings.BASE_DIR, ASKED_FOR) if ASKED_FOR else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    if ASKED_FOR:
        call_command("load_demo")
        store, product = demo.STORES[0].id, demo.PRODUCT_IDS["BOI-001"]
        email, password = demo.email("head"), settings.COMPTOIR_DEMO_PASSWORD
        visitor.log_in(email, password)
    else:
        chain = open_chain()
        let_things_happen(chain)
        store, product = chain.lyon.id, chain.keyboard.id
        visitor.log_in_as(Role.HEAD_OFFICE)
    session = visitor.context.cookies()

    addresses = pages(store, product)
    wanted = [(name, DESKTOP, "en", "light", name) for name in addresses]
    for name, size, language, theme, file in [*wanted, *OTHERS]:
        visitor.use(size, language, theme)
        visitor.context.add_cookies([cookie for cookie in session if cookie["name"] == "sessionid"])
        visitor.open(addresses[name])
        visitor.picture(folder / f"{file}.png")

    files = {file.stem for file in folder.glob("*.png")}
    assert files >= {*addresses, *(file for *_, file in OTHERS)}
