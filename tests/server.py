"""A pytest plugin that gives the tests a PostgreSQL server: ``DATABASE_URL``, or else an embedded one.

Named by ``-p`` in pyproject.toml, because Django reads its settings before any conftest.py is imported. The workers of
pytest-xdist inherit the variable, so that only their controller starts the server, and stops it after them.
"""

import os
from pathlib import Path

from config import embedded_postgres

if not os.environ.get("DATABASE_URL"):
    data = Path(__file__).resolve().parent.parent / "var" / "test"
    os.environ["DATABASE_URL"] = embedded_postgres.use(data, durable=False)

# All tests call from one address, faster than anybody in the shops.
os.environ |= {"COMPTOIR_RATE_PER_CALLER": "", "COMPTOIR_RATE_PER_ADDRESS": ""}

# Tests place orders at the time when the run began, which may be more than a quarter of an hour ago.
os.environ["COMPTOIR_RESERVATION_SECONDS"] = "14400"

# Two runs at a time, one in the editor and one in a terminal say, must not share a database.
os.environ.setdefault("COMPTOIR_TEST_RUN", str(os.getpid()))
