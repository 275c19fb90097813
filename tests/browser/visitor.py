"""Somebody with a browser, who notes what the pages complain of."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from accounts.interface import Role
from inventory.interface import Location
from tests.chain import PASSWORD, make_person
from tests.gunicorn_server import PATIENCE, Server

expect.set_options(timeout=PATIENCE * 1000)

DESKTOP, TABLET, PHONE = (1440, 900), (1024, 768), (390, 844)

# What Chromium says of an answer that a page has provoked itself: a refusal, told in the page.
REFUSED = "Failed to load resource: the server responded with a status of 4"


class Visitor:
    def __init__(self, chromium: Browser, server: Server) -> None:
        self.chromium = chromium
        self.server = server
        self.complaints: list[str] = []
        self.use()

    def use(self, size: tuple[int, int] = DESKTOP, language: str = "en", theme: str = "light") -> Page:
        """A fresh browser of this size, in this language and theme; nobody is logged in."""
        self.leave()
        self.context = self.chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=language, base_url=self.server.address
        )
        self.context.set_default_timeout(PATIENCE * 1000)
        cookies = {"django_language": language, "theme": theme}
        self.context.add_cookies(
            [{"name": name, "value": value, "url": self.server.address} for name, value in cookies.items()]
        )
        self.page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self.page

    def leave(self) -> None:
        if hasattr(self, "context"):
            self.context.close()

    def log_in(self, email: str, password: str = PASSWORD) -> Page:
        """Through the form, in place of whoever was there."""
        self.context.clear_cookies(name="sessionid")
        self.page.goto("/login/")
        self.page.locator("[name=username]").fill(email)
        self.page.locator("[name=password]").fill(password)
        self.page.locator(".door form.card button").click()
        self.page.wait_for_url("**/dashboard/**")
        return self.page

    def log_in_as(self, role: Role, *stores: Location) -> Page:
        return self.log_in(make_person(role, *stores))

    def open(self, path: str) -> Page:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{answer.status} at {path}"
        self.page.wait_for_load_state("networkidle")
        return self.page

    def fits(self) -> bool:
        """Whether nothing sticks out of the page sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    def picture(self, file: Path) -> None:
        self.page.screenshot(path=file, full_page=True)

    def api(self, path: str) -> Any:
        """What the API answers to the browser's own session."""
        return self.context.request.get(f"/api/v1{path}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(REFUSED):
            self.complaints.append(f"{quote(self.page.url, safe=':/?=&')}: {message.text}")
