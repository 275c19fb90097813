"""Who runs the server's processes, and where that account can reach: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded_postgres.error import EmbeddedPostgresError

# Where the server's files go when its account cannot reach the data folder, for instance below /root.
APART = Path("/var/lib/comptoir")


@dataclass(frozen=True)
class Account:
    """Who runs the server's processes; without ids, whoever runs this one."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run *command* to its end as this account, with its output in ``stdout``."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # A file, not a pipe: the server inherits it from pg_ctl, and a pipe would never come to its end.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(  # noqa: S603 the commands are all this module's own
                command,
                cwd="/",
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                start_new_session=True,  # Ctrl-C is for us: we stop the server ourselves
                umask=0o077,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, result.returncode, output.read())

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account may work inside *folder*, by trying it."""
        return self.uid is None or self.run("/bin/sh", "-c", 'cd "$0"', folder).returncode == 0

    def own(self, path: Path) -> None:
        """Give *path* to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def account_of(data: Path) -> Account:
    if os.geteuid() != 0:
        return Account()
    try:
        owner = (data / "postgres").stat()
    except FileNotFoundError:
        return _unprivileged_account()
    return Account(owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _unprivileged_account()


def _unprivileged_account() -> Account:
    for name in ("postgres", "_postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and there is no account 'postgres' or 'nobody' to run it: "
        "create one, or work as an ordinary user."
    )


def apart() -> Path:
    """The folder for what must lie where every account can reach it; made when missing."""
    APART.mkdir(parents=True, exist_ok=True)
    APART.chmod(0o755)  # whatever the umask
    return APART
