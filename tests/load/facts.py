"""What the load generator is told, and what it tells. Plain Python: Locust changes what Django relies on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

# In the environment of Locust: where it reads the facts, and where it writes its notes.
FACTS, NOTES = "COMPTOIR_LOAD_FACTS", "COMPTOIR_LOAD_NOTES"


@dataclass(frozen=True)
class Chain:
    """What the requests name, and who sends them."""

    stores: list[str]
    products: list[str]
    # What people search for.
    words: list[str]
    # The product that everybody wants, and how many pieces of it there are: half in the warehouse, half in the first
    # store.
    wanted: str
    pieces: int
    # Of machines that may do whatever staff may, and of a person of the head office at the pages.
    key: str
    cookie: str


@dataclass(frozen=True)
class Facts:
    """A run: the addresses, one for each person in turn, and how many seconds one lets pass from request to request."""

    chain: Chain
    sites: list[str]
    pace: float

    def write(self, path: Path) -> None:
        """Where `read` finds them."""
        path.write_text(json.dumps(asdict(self)))


def read(path: Path) -> Facts:
    """The facts of a file. Raises SystemExit where they name another machine."""
    found = json.loads(path.read_text())
    refuse_strangers(found["sites"])
    return Facts(Chain(**found["chain"]), found["sites"], found["pace"])


def refuse_strangers(sites: Sequence[str]) -> None:
    """Raise SystemExit where one of these addresses is not of this machine."""
    for site in sites:
        if urlsplit(site).hostname != "127.0.0.1":
            raise SystemExit(f"{site} is another machine: load tests go to 127.0.0.1 alone.")


@dataclass(frozen=True)
class Notes:
    """What Locust's own figures do not tell, of the whole run: they begin when everybody is there."""

    failures: int
    # Answers by who gave them, and pieces of the product that everybody wants, by those who got them.
    served_by: dict[str, int]
    accepted: int
