"""What Prometheus and Grafana are given: each query of dashboard and alerts is asked of a real Prometheus."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.processes import wait_until
from tests.stack.conftest import Till
from tests.stack.running import REPLICAS, Stack

DEPLOY = settings.BASE_DIR / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "comptoir.json").read_text())
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"].replace("$replica", ".*")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
}
RULES = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}


def ask(stack: Stack, path: str, **query: str) -> Any:
    address = f"{stack.addresses.prometheus}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address) as answer:  # noqa: S310 it is ours
        return json.load(answer)["data"]


def result(stack: Stack, query: str) -> list[Any]:
    return list(ask(stack, "query", query=query)["result"])


def numbers(stack: Stack, query: str) -> list[float]:
    return [float(sample["value"][1]) for sample in result(stack, query)]


@pytest.fixture(scope="package")
def lived(stack: Stack, till: Till) -> None:
    """Sales and a refusal have been, and Prometheus has heard of them twice."""
    for _ in range(20):
        till.sell()
    assert till.sell(quantity=20_000).body["code"] == "insufficient_stock"
    wait_until(lambda: all(numbers(stack, query) for query in QUERIES.values()))


def test_all_replicas_are_heard(stack: Stack, lived: None) -> None:
    assert {sample["metric"]["replica"] for sample in result(stack, 'up{job="comptoir"} == 1')} == REPLICAS
    assert result(stack, 'up{job="prometheus"} == 1')


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_of_the_dashboard_has_data(stack: Stack, till: Till, lived: None, name: str) -> None:
    # What nobody has asked for in the last minute has no duration.
    till.sell()

    wait_until(lambda: any(number >= 0 for number in numbers(stack, QUERIES[name])))


@pytest.mark.parametrize("name", RULES)
def test_every_alert_can_be_asked_about_what_there_is(stack: Stack, lived: None, name: str) -> None:
    result(stack, RULES[name])

    for metric in re.findall(r"\b(?:comptoir_|django_|up\b)\w*", RULES[name]):
        assert result(stack, metric), metric


def test_the_alerts_are_loaded(stack: Stack) -> None:
    loaded = {rule["name"]: rule["health"] for group in ask(stack, "rules")["groups"] for rule in group["rules"]}

    assert loaded.keys() == RULES.keys()
    assert "err" not in loaded.values()


def test_promtool_has_nothing_to_say() -> None:
    checked = subprocess.run(
        ["promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"{len(RULES)} rules found" in checked.stdout


def test_grafana_finds_its_dashboard_and_its_source() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((provisioning / "dashboards" / "comptoir.yaml").read_text())["providers"]
    mounted = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["grafana"]["volumes"]

    used = {target["datasource"]["uid"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])}
    assert used == {source["uid"]}
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounted
    assert Path(DEPLOY / "grafana" / "dashboards" / "comptoir.json").exists()
