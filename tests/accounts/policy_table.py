"""`make policy`: writes the chain's policy as a table, from the policy itself, into `docs/security.md`."""

import re
from pathlib import Path

from accounts.interface import Action, Role, Scope
from accounts.rules import POLICY

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "security.md"

BEGIN, END = "<!-- policy: begin -->", "<!-- policy: end -->"
CELLS = {Scope.CHAIN: "everywhere", Scope.OWN_STORES: "own stores", None: "–"}


def table() -> str:
    """The policy: a row for each action, a column for each role."""
    rows = [
        ["Action", *(role.replace("_", " ").capitalize() for role in Role)],
        ["---"] * (len(Role) + 1),
        *([f"`{action}`", *(CELLS[POLICY[role].get(action)] for role in Role)] for action in Action),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def render(document: str) -> str:
    """The document with the table as it should be between its marks, and everything else as it is."""
    return re.sub(f"{BEGIN}.*{END}", f"{BEGIN}\n\n{table()}\n\n{END}", document, flags=re.DOTALL)


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text()))
    print(f"Wrote {DOCUMENT.relative_to(ROOT)}.")  # noqa: T201 it reports to whoever ran make
