"""The production shape on one machine: replicas behind nginx, the worker, Prometheus, and Redis where it is asked for.

Everything is kept in COMPTOIR_DATA, with a log for each process. Whatever belongs to the stack holds its file `lock`,
by inheritance: so it is always known, however things ended, whether there is a stack, and what is left of it. Linux
tells (`/proc`).
"""

import contextlib
import fcntl
import grp
import json
import os
import pwd
import shutil
import signal
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from environs import env, validate

from config import processes
from config.embedded_postgres.account import apart
from config.ports import check_port, free_port
from config.processes import Part, Say

_HOST = "127.0.0.1"
_DEPLOY = settings.BASE_DIR / "deploy"
_STOP_SECONDS = 30  # more than the processes are given to stop

_is_port = validate.Range(1, 65535)
port = env.int("COMPTOIR_PROXY_PORT", 8080, validate=_is_port)
prometheus_port = env.int("COMPTOIR_PROMETHEUS_PORT", 9090, validate=_is_port)
rate = env.int("COMPTOIR_PROXY_RATE", 300, validate=validate.Range(1))
connections = env.int("COMPTOIR_PROXY_CONNECTIONS", 100, validate=validate.Range(1))

log = structlog.get_logger("comptoir.stack")


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for."""

    replicas: int
    redis: bool
    cache: bool
    demo: bool


@dataclass(frozen=True)
class Addresses:
    """Where everything is; `addresses.json` tells programs, as long as the stack is ready."""

    site: str
    replicas: dict[str, str]
    prometheus: str
    redis: str

    @staticmethod
    def file() -> Path:
        return settings.COMPTOIR_DATA / "addresses.json"


class Lock:
    """What every process of the stack holds; the number of the one that looks after the others stands in the file."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)

    def take(self) -> bool:
        """Become who looks after the stack, unless somebody does; what is left of a killed one is ended first."""
        while not self._try():
            if self.keeper():
                return False
            self._kill_holders()
            time.sleep(0.05)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)
        return True

    def keeper(self) -> int | None:
        """Who looks after the stack, if somebody does."""
        number = os.pread(self.descriptor, 20, 0).decode()
        return next((pid for pid in self.holders() if str(pid) == number), None)

    def wait_until_free(self) -> bool:
        """Return when nothing is left of the stack, and whether there was something; what does not stop is killed."""
        there_was = False
        # Without a keeper, nobody has told the others to stop.
        deadline = time.monotonic() + (_STOP_SECONDS if self.keeper() else 0)
        while self.holders():
            there_was = True
            if time.monotonic() >= deadline:
                self._kill_holders()
            time.sleep(0.05)
        return there_was

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _kill_holders(self) -> None:
        for pid in self.holders():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def holders(self) -> list[int]:
        """The processes of the stack, without this one."""
        folders = [folder for folder in Path("/proc").glob("[0-9]*") if folder.name != str(os.getpid())]
        return [int(folder.name) for folder in folders if self._is_held_by(folder)]

    def _is_held_by(self, folder: Path) -> bool:
        lock = os.fstat(self.descriptor)
        try:
            # Others may have the file open to have a look.
            return any(
                os.path.samestat(link.stat(), lock) and "lock:" in (folder / "fdinfo" / link.name).read_text()
                for link in (folder / "fd").iterdir()
            )
        except OSError:  # it has ended, or is somebody else's
            return False


def check(wanted: Wanted) -> None:
    """Raise SystemExit where this machine lacks something."""
    if not Path("/proc/self/fdinfo").exists():
        raise SystemExit("The stack needs Linux: `make run` starts Comptoir on other systems.")
    processes.check_data_folder()
    for name in ["nginx", "prometheus", *(["redis-server"] if wanted.redis else [])]:
        _program(name)


def run(wanted: Wanted, lock: Lock, say: Say, ready: Callable[[Addresses], None]) -> None:
    """Start everything, tell when it is ready, and start again what ends, until this process is asked to stop.

    Raises SystemExit where a port is taken, or something does not start.
    """
    check_port(_HOST, port, f"COMPTOIR_PROXY_PORT={port + 1} make stack")
    check_port(
        _HOST,
        prometheus_port,
        f"COMPTOIR_PROMETHEUS_PORT={prometheus_port + 1} make stack",
    )
    replicas = {f"replica-{number}": free_port() for number in range(1, wanted.replicas + 1)}
    redis_port = free_port()
    addresses = Addresses(
        site=f"http://{_HOST}:{port}",
        replicas={name: f"http://{_HOST}:{number}" for name, number in replicas.items()},
        prometheus=f"http://{_HOST}:{prometheus_port}",
        redis=f"redis://{_HOST}:{redis_port}/0" if wanted.redis else "",
    )
    for file in [Addresses.file(), *settings.COMPTOIR_DATA.glob("*.log")]:
        file.unlink(missing_ok=True)
    processes.prepare(say, demo=wanted.demo)
    # Each replica counts for itself, in its one process.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    os.environ["COMPTOIR_TRUSTED_PROXIES"] = f"{_HOST}/32"
    if wanted.redis:
        os.environ["REDIS_URL"] = addresses.redis
    with (
        _files_of_nginx() as nginx_folder,
        processes.Children(lock.descriptor) as children,
    ):
        for part in [
            *([_redis(redis_port)] if wanted.redis else []),
            *processes.payment_sandbox(addresses.site),
            *(_replica(name, number) for name, number in replicas.items()),
            *processes.worker_parts(),
            _nginx(nginx_folder, replicas, cache=wanted.cache),
            _prometheus(replicas),
        ]:
            children.start(
                replace(
                    part,
                    log=settings.COMPTOIR_DATA / f"{part.name.replace(' ', '-')}.log",
                )
            )
        if not children.wait_until(lambda: _is_ready(addresses)):
            children.watch()
            return
        Addresses.file().write_text(json.dumps(asdict(addresses), indent=2))
        try:
            ready(addresses)
            children.keep(log.warning)
        finally:
            Addresses.file().unlink()


def _is_ready(addresses: Addresses) -> bool:
    asked = {
        addresses.site: "/health/ready",
        addresses.prometheus: "/-/ready",
        **dict.fromkeys(addresses.replicas.values(), "/health/ready"),
    }
    return all(processes.answers(urlsplit(address).netloc, path) for address, path in asked.items())


def _replica(name: str, number: int) -> Part:
    variables = {
        "COMPTOIR_HOST": _HOST,
        "COMPTOIR_PORT": str(number),
        # Behind nginx processes are fairer to each other as replicas than as workers of one.
        "COMPTOIR_WORKERS": "1",
        "COMPTOIR_SERVED_BY": name,
    }
    return replace(processes.web_server(name), environment=variables)


def _redis(number: int) -> Part:
    """A cache, so that nothing of it is kept."""
    options = {
        "--bind": _HOST,
        "--port": str(number),
        "--save": "",
        "--appendonly": "no",
        "--maxmemory": "128mb",
        "--maxmemory-policy": "allkeys-lru",
    }
    return Part(
        "redis",
        [
            _program("redis-server"),
            *(word for option in options.items() for word in option),
        ],
    )


def _nginx(folder: Path, replicas: dict[str, int], *, cache: bool) -> Part:
    configuration = _fresh_folder("nginx")
    values = {
        "COMPTOIR_PROXY_LISTEN": f"{_HOST}:{port}",
        "COMPTOIR_PROXY_FILES": settings.COMPTOIR_DATA.resolve(),
        "COMPTOIR_PROXY_CACHE": "reads" if cache else "off",
        "COMPTOIR_PROXY_RATE": rate,
        "COMPTOIR_PROXY_CONNECTIONS": connections,
        "COMPTOIR_UPLOAD_BYTES": settings.COMPTOIR_UPLOAD_BYTES,
    }
    template = string.Template((_DEPLOY / "nginx" / "nginx.conf.template").read_text())
    # Safe: what is in the template beside these are nginx's own variables.
    (configuration / "nginx.conf").write_text(template.safe_substitute(values))
    (configuration / "replicas.conf").write_text(
        "".join(f"server {_HOST}:{number} max_fails=3 fail_timeout=5s;\n" for number in replicas.values())
    )
    directives = f"daemon off; {_unprivileged()}"
    return Part(
        "nginx",
        [
            _program("nginx"),
            "-p",
            str(folder),
            "-c",
            str(configuration / "nginx.conf"),
            "-g",
            directives,
        ],
    )


def _prometheus(replicas: dict[str, int]) -> Part:
    configuration = _fresh_folder("prometheus")
    for name in ["prometheus.yml", "alerts.yml"]:
        shutil.copy(_DEPLOY / "prometheus" / name, configuration)
    targets = [{"targets": [f"{_HOST}:{number}"], "labels": {"replica": name}} for name, number in replicas.items()]
    (configuration / "replicas.json").write_text(json.dumps(targets))
    (configuration / "itself.json").write_text(json.dumps([{"targets": [f"{_HOST}:{prometheus_port}"]}]))
    options = {
        "--config.file": configuration / "prometheus.yml",
        "--storage.tsdb.path": settings.COMPTOIR_DATA.resolve() / "prometheus" / "data",
        "--web.listen-address": f"{_HOST}:{prometheus_port}",
        "--log.level": "warn",
    }
    return Part(
        "prometheus",
        [
            _program("prometheus"),
            *(f"{name}={value}" for name, value in options.items()),
        ],
    )


def _program(name: str) -> str:
    # Debian keeps servers where only root looks for them.
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    if path is None:
        raise SystemExit(
            f"The program {name} is missing. On Debian or Ubuntu, deploy/install-test-tools installs it (as root)."
        )
    return path


def _fresh_folder(name: str) -> Path:
    """Made when missing; what a former start has written there is written anew."""
    folder: Path = settings.COMPTOIR_DATA.resolve() / name
    folder.mkdir(exist_ok=True)
    return folder


@contextlib.contextmanager
def _files_of_nginx() -> Iterator[Path]:
    """A folder for what nginx writes; for root apart, since nginx' account may be kept out of COMPTOIR_DATA."""
    data = settings.COMPTOIR_DATA.resolve()
    folder = apart() / f"nginx-{data.stat().st_ino}" if os.geteuid() == 0 else data / "nginx" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # whatever the umask
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _unprivileged() -> str:
    """For root, the directive with which nginx serves as somebody else."""
    if os.geteuid() != 0:
        return ""
    names = {entry.pw_name for entry in pwd.getpwall()}
    account = pwd.getpwnam("www-data" if "www-data" in names else "nobody")
    return f"user {account.pw_name} {grp.getgrgid(account.pw_gid).gr_name};"
