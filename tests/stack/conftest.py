from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared_kernel.ids import new_id
from tests.chain import PASSWORD
from tests.gunicorn_server import Answer
from tests.stack.running import CHAIN, Stack, running


@dataclass(frozen=True)
class Till:
    """Somebody who sells one product in one store, through nginx."""

    stack: Stack
    store: str
    product: str
    token: str
    # The ids of all sales that were answered.
    sold: set[str] = field(default_factory=set)

    def sale(self, quantity: int = 1) -> dict[str, Any]:
        return {"store_id": self.store, "lines": [{"product_id": self.product, "quantity": quantity}]}

    def sell(self, quantity: int = 1) -> Answer:
        """Under a key, whatever comes of it."""
        headers = {"Idempotency-Key": str(new_id())}
        answer = self.stack.site.send("POST", "/sales/", self.sale(quantity), token=self.token, **headers)
        if answer.status == 201:
            self.sold.add(answer.body["id"])
        return answer

    def look(self) -> Answer:
        """At the stock, which is never cached."""
        path = f"/stores/{self.store}/products/{self.product}/stock/"
        return self.stack.site.send("GET", path, token=self.token)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    with running() as stack:
        yield stack


@pytest.fixture(scope="package")
def till(stack: Stack) -> Till:
    made = stack.ask(CHAIN)
    tokens = stack.site.call("POST", "/auth/login/", {"email": made["head"], "password": PASSWORD}).body
    return Till(stack, made["store"], made["product"], tokens["access"])
