"""What a request sends to the database, taken down from the application itself and made into a script for pgbench.

Nothing here knows the application's SQL, so the script cannot drift from it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.bench.chain import FIRST_NUMBER

# What pgbench computes in place of the ids that differ from request to request. A sale's id grows like the UUIDv7 of
# the application, so that its rows go to the same end of the indexes.
PRODUCT = "('00000000-0000-7000-8000-' || (:product::bigint + {further}))::uuid"
STORE = "('00000000-0000-7000-9000-' || :store::bigint)::uuid"
SALE = "(:start || :sale || :client)::uuid"

HEAD = """\
\\set product {first} + random(0, {products} - 1)
\\set store {first} + random(0, {stores} - 1)
\\set sale :sale + 1
\\set client 100 + :client_id
"""

ARRAY_OF_IDS = re.compile(r"'\{([0-9a-f, ]{32,})\}'::uuid\[\]")


@dataclass(frozen=True)
class Script:
    """A pgbench script, and how many statements it sends, BEGIN and COMMIT included."""

    text: str
    statements: int


def captured(request: Callable[[], Any]) -> tuple[Any, list[str]]:
    """A request's answer, and the statements it sent, in their order, with their values written out."""
    with CaptureQueriesContext(connection) as queries:
        answer = request()
    return answer, [query["sql"].strip() for query in queries.captured_queries]


def script(statements: list[str], *, ids: Mapping[UUID, str], products: int, stores: int) -> Script:
    """These statements for pgbench, with the expressions that `ids` gives in place of those ids.

    It takes one of the first `products` products at random, and those that follow it; and one of the first `stores`.
    """
    head = HEAD.format(first=FIRST_NUMBER, products=products, stores=stores)
    written = {one.hex: expression for one, expression in ids.items()}
    body = "".join(f"{_replaced(statement, written)};\n" for statement in statements)
    return Script(head + body, len(statements))


def _replaced(statement: str, ids: Mapping[str, str]) -> str:
    for one, expression in ids.items():
        statement = statement.replace(f"'{one}'::uuid", expression)

    def array(found: re.Match[str]) -> str:
        elements = [ids.get(element, f"'{element}'::uuid") for element in found[1].replace(" ", "").split(",")]
        return f"ARRAY[{', '.join(elements)}]"

    return ARRAY_OF_IDS.sub(array, statement)
