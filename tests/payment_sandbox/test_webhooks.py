"""Each charge that ends is told, signed, until somebody says that they heard."""

import hashlib
import hmac
import time
from pathlib import Path

from config.ports import free_port
from tests.payment_sandbox.running import (
    DECLINED,
    LATE,
    SECRET,
    TOLD_TWICE,
    Hearer,
    Running,
    running,
)
from tests.processes import wait_until


def test_a_charge_that_succeeds_and_one_that_fails_are_told_once(sandbox: Running, hearer: Hearer) -> None:
    good = sandbox.charge(sandbox.token()).body["id"]
    bad = sandbox.charge(sandbox.token(DECLINED)).body["id"]

    wait_until(lambda: len(hearer.heard) == 2)
    time.sleep(0.5)
    assert hearer.events() == [("charge.succeeded", good), ("charge.failed", bad)]


def test_what_is_told_is_signed(sandbox: Running, hearer: Hearer) -> None:
    sandbox.charge(sandbox.token())

    wait_until(lambda: len(hearer.heard) == 1)
    body, signature = hearer.heard[0]
    told, signed = (part.partition("=")[2] for part in signature.split(","))
    assert abs(int(told) - time.time()) < 30
    assert signed == hmac.new(SECRET.encode(), f"{told}.".encode() + body, hashlib.sha256).hexdigest()


def test_it_is_told_again_until_somebody_hears(sandbox: Running, hearer: Hearer) -> None:
    hearer.answers = [500, 404, 302]
    charge = sandbox.charge(sandbox.token()).body["id"]

    wait_until(lambda: len(hearer.heard) == 4)
    time.sleep(1)
    assert hearer.events() == [("charge.succeeded", charge)] * 4
    assert len({body for body, _ in hearer.heard}) == 1


def test_one_card_is_told_twice(sandbox: Running, hearer: Hearer) -> None:
    charge = sandbox.charge(sandbox.token(TOLD_TWICE)).body["id"]

    wait_until(lambda: len(hearer.heard) == 2)
    assert hearer.times() == {charge: 2}
    assert len({body for body, _ in hearer.heard}) == 1


def test_a_late_charge_is_told_when_it_succeeds(sandbox: Running, hearer: Hearer) -> None:
    charge = sandbox.charge(sandbox.token(LATE), key="one").body["id"]

    time.sleep(1)
    assert hearer.heard == []
    wait_until(lambda: len(hearer.heard) == 1)
    assert hearer.events() == [("charge.succeeded", charge)]
    assert sandbox.charged("one")[0]["status"] == "succeeded"


def test_what_nobody_heard_is_told_after_a_restart(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, free_port(), f"http://127.0.0.1:{port}/heard") as sandbox:
        told = sandbox.charge(sandbox.token()).body["id"]
        late = sandbox.charge(sandbox.token(LATE)).body["id"]
        sandbox.kill()
        hearer = Hearer(port)
        try:
            sandbox.start()
            wait_until(lambda: set(hearer.times()) == {told, late})
        finally:
            hearer.stop()
