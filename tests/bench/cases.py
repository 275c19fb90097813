"""What is measured: each case's requests, and the script that sends the same SQL."""

import json
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.test import Client

from tests.bench.chain import Chain
from tests.bench.statements import PRODUCT, SALE, Script, captured, script
from tests.chain import post


class Request(NamedTuple):
    """An HTTP request, but for its headers."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Case:
    """Requests to choose from at random, and their SQL; `sells` says that each must have become a sale."""

    name: str
    requests: list[Request]
    script: Script | None = None
    sells: bool = False


def cases(chain: Chain) -> list[Case]:
    """All cases, in the order of the table."""
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {chain.token()}"})
    reads = [Request("GET", f"/api/v1/stores/{chain.store_id}/products/{one}/stock/") for one in chain.product_ids]
    sales = [Request("POST", "/api/v1/sales/", sale_body(chain, number)) for number in range(len(chain.product_ids))]
    return [
        Case("hello", [Request("GET", "/health/live")]),
        Case("stock read", reads, read_script(client, chain)),
        Case("till sale, spread", sales, sale_script(client, chain, products=len(sales)), sells=True),
        Case("till sale, hot item", sales[:1], sale_script(client, chain, products=1), sells=True),
    ]


def sale_body(chain: Chain, number: int) -> str:
    """One piece of the product of this number, paid in cash."""
    line = {"product_id": str(chain.product_ids[number]), "quantity": 1}
    return json.dumps({"store_id": str(chain.store_id), "lines": [line]})


def read_script(client: Client, chain: Chain) -> Script:
    """The SQL of a stock read."""
    product = chain.product_ids[0]
    answer, statements = captured(partial(client.get, f"/api/v1/stores/{chain.store_id}/products/{product}/stock/"))
    assert answer.status_code == 200, answer.content
    return script(statements, ids={product: PRODUCT}, products=len(chain.product_ids))


def sale_script(client: Client, chain: Chain, *, products: int) -> Script:
    """The SQL of a till sale of one of the first `products` products."""
    answer, statements = captured(partial(post, client, "/sales/", json.loads(sale_body(chain, 0))))
    assert answer.status_code == 201, answer.content
    sale = UUID(answer.json()["id"])
    return script(statements, ids={chain.product_ids[0]: PRODUCT, sale: SALE}, products=products)
