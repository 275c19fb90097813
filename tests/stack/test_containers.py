"""The containers agree with the repository, and with `make stack`; nothing here needs a Docker."""

import json
import re
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import yaml
from django.conf import settings

from config import stack
from config.embedded_postgres.server import SETTINGS
from config.processes import workers

DEPLOY = settings.BASE_DIR / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
LISTED = set(re.findall(r"^#? ?([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE))


def test_every_variable_is_a_setting_of_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    given = {name for service in OURS.values() for name in service.get("environment", {})}
    # What only the two places that start nginx tell it.
    of_nginx = {"COMPTOIR_PROXY_LISTEN", "COMPTOIR_PROXY_CACHE"}

    assert {"SECRET_KEY", "POSTGRES_PASSWORD", "COMPTOIR_PROXY_RATE"} <= asked
    assert asked - LISTED == set()
    assert given - LISTED == of_nginx


def test_no_secret_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    secrets = {"SECRET_KEY", "COMPTOIR_TOKEN_KEYS", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "GRAFANA_PASSWORD"}

    assert {name for name in secrets if f"${{{name}:?" in text} == secrets
    assert not re.search(r"PASSWORD|SECRET|KEY", DOCKERFILE)


def test_every_file_that_is_mounted_or_copied_is_there_and_not_ignored() -> None:
    mounted = [
        DEPLOY / volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    copied = [
        settings.BASE_DIR / source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    allowed = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert len(mounted) == 3
    assert [path for path in mounted + copied if not path.exists()] == []
    assert [path for path in copied if not any(path.is_relative_to(settings.BASE_DIR / name) for name in allowed)] == []


def test_every_stage_service_volume_and_network_that_is_named_is_there() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}

    assert {service["build"]["target"] for service in OURS.values()} < stages
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) <= stages
    assert {name for name in named if not name.startswith(".")} == COMPOSE["volumes"].keys()
    assert {name for service in SERVICES.values() for name in service["networks"]} == COMPOSE["networks"].keys()
    assert {name for service in SERVICES.values() for name in service.get("depends_on", {})} < SERVICES.keys()


def test_everything_that_is_ours_runs_without_rights() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["comptoir", "nginx"]
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_replicas_are_the_same_for_nginx_and_prometheus() -> None:
    replicas = [name for name in SERVICES if name.startswith("replica-")]
    groups = json.loads((DEPLOY / "prometheus" / "replicas.json").read_text())

    assert (
        re.findall(r"^server (\S+):8000 ", (DEPLOY / "nginx" / "replicas.conf").read_text(), re.MULTILINE) == replicas
    )
    assert [(group["targets"], group["labels"]["replica"]) for group in groups] == [
        ([f"{name}:8000"], name) for name in replicas
    ]
    assert [SERVICES[name]["environment"]["COMPTOIR_SERVED_BY"] for name in replicas] == replicas
    proxy = SERVICES["proxy"]["networks"]["inside"]["ipv4_address"]
    assert SERVICES["replica-1"]["environment"]["COMPTOIR_TRUSTED_PROXIES"] == f"{proxy}/32"


def test_workers_are_those_of_the_stack(settings: Any) -> None:
    settings.AMQP_URL = "amqp://broker"
    started = [service["command"][4:] for name, service in SERVICES.items() if name in {"worker", "relay"}]

    assert sorted(started) == sorted(workers().values())


def test_postgres_is_set_as_the_embedded_one() -> None:
    given = dict(option.removeprefix("-c").split("=") for option in SERVICES["postgres"]["command"][1:])

    # Without a network of its own.
    assert given.items() == {
        (name, value) for name, value in SETTINGS.items() if name not in {"listen_addresses", "port"}
    }


def test_redis_is_set_as_the_stacks(settings: Any) -> None:
    options = stack._redis(6379).command[1:]

    assert options[options.index("--save") :] == SERVICES["redis"]["command"][1:]


def test_nginx_accepts_its_configuration_in_the_container(tmp_path: Path) -> None:
    variables = SERVICES["proxy"]["environment"] | {"COMPTOIR_PROXY_FILES": "/srv"}
    defaults = {name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value) for name, value in variables.items()}
    written = Template((DEPLOY / "nginx" / "nginx.conf.template").read_text()).safe_substitute(defaults)
    (tmp_path / "nginx.conf").write_text(written)
    # Their names mean something in the containers' network alone.
    names = (DEPLOY / "nginx" / "replicas.conf").read_text()
    (tmp_path / "replicas.conf").write_text(re.sub(r"replica-\d", "127.0.0.1", names))

    program = stack._program("nginx")
    checked = subprocess.run(
        [program, "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-g", "daemon off;"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "${COMPTOIR" not in written
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_sandbox_is_told_what_it_understands() -> None:
    given = [word.split("=")[0] for word in SERVICES["sandbox"]["command"][3:]]
    known = subprocess.run(
        [sys.executable, "-m", "payment_sandbox", "--help"],
        cwd=settings.BASE_DIR / "src",
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert [option for option in given if option not in known] == []
