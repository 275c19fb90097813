"""The import contracts, each seen broken by a violation planted in a copy of the source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boundaries.module_map import DOCUMENT, ROOT, render, root_packages

# Which contract, where the violation is planted, and what it is.
VIOLATIONS = [
    ("direction", "catalog/service.py", "from inventory.interface import inventory"),
    ("direction", "config/wiring.py", "import payment_sandbox"),
    ("stranger", "payment_sandbox/bank.py", "from shared_kernel.ids import new_id"),
    ("interfaces", "sales/service/recording.py", "from inventory import models as foreign"),
    ("files", "catalog/rules.py", "from catalog import models"),
    ("files", "catalog/helpers.py", '"""A file that the house does not know."""'),
    ("plain", "inventory/interface/values.py", "import django"),
    ("entrances", "inventory/tasks.py", "from inventory.models import Location"),
    ("entrances", "sales/api/tickets.py", "from sales.service import SalesService"),
]


def lint_imports(source: Path, contract: str) -> subprocess.CompletedProcess[str]:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", script, "--config", str(ROOT / "pyproject.toml"), "--no-cache", "--contract", contract],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `src/` to plant violations in."""
    copy = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src", copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize("contract", sorted({contract for contract, *_ in VIOLATIONS}))
def test_the_source_keeps_the_contract(source: Path, contract: str) -> None:
    outcome = lint_imports(source, contract)

    assert outcome.returncode == 0, outcome.stdout
    assert "1 kept, 0 broken" in outcome.stdout


@pytest.mark.parametrize(("contract", "file", "violation"), VIOLATIONS)
def test_a_planted_violation_breaks_the_contract(source: Path, contract: str, file: str, violation: str) -> None:
    path = source / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{violation}\n")
    try:
        outcome = lint_imports(source, contract)
    finally:
        path.unlink() if before is None else path.write_text(before)

    assert outcome.returncode == 1
    assert "0 kept, 1 broken" in outcome.stdout


def test_every_contract_is_seen_broken() -> None:
    contracts = (ROOT / "pyproject.toml").read_text().split("[[tool.importlinter.contracts]]")[1:]
    names = {line.partition('"')[2].rstrip('"') for text in contracts for line in text.splitlines() if line[:2] == "id"}

    assert names == {contract for contract, *_ in VIOLATIONS}


def test_every_package_is_analysed() -> None:
    packages = {path.parent.name for path in (ROOT / "src").glob("*/__init__.py")}

    assert packages == set(root_packages())


def test_the_module_map_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == render(), "Run `make boundaries` and commit docs/modules.md."
