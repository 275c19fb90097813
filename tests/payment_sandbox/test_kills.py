"""The sandbox killed at any moment: what it answered stays true, each key is charged once, and every charge is told."""

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from secrets import SystemRandom
from threading import Event
from typing import Any

from tests.payment_sandbox.running import APPROVED, DECLINED, TOLD_TWICE, Hearer, Running, Said
from tests.processes import PATIENCE, wait_until

CARDS = [APPROVED, DECLINED, TOLD_TWICE]
KILLS = 8


def insist(call: Callable[[], Said]) -> Said:
    """Call until an answer comes."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < end, "nobody answers any more"
            time.sleep(0.02)


def buy(sandbox: Running, token: str, key: str) -> Any:
    """The charge under a key, as it was answered twice; of a good one, 4 of its 10 go back."""
    answer = insist(lambda: sandbox.charge(token, key=key))
    assert answer.status == 200, answer.body
    assert insist(lambda: sandbox.charge(token, key=key)) == answer
    if answer.body["status"] == "failed":
        return answer.body
    refund = insist(lambda: sandbox.refund(answer.body["id"], 400, key=key))
    assert refund.status == 200, refund.body
    assert insist(lambda: sandbox.refund(answer.body["id"], 400, key=key)) == refund
    return answer.body | {"amount_refunded": 400}


def all_charges(sandbox: Running) -> list[Any]:
    page = sandbox.call("GET", "/v1/charges?limit=100").body
    charges: list[Any] = page["data"]
    while page["has_more"]:
        page = sandbox.call("GET", f"/v1/charges?limit=100&starting_after={charges[-1]['id']}").body
        charges += page["data"]
    return charges


def test_no_kill_loses_or_doubles_a_charge(sandbox: Running, hearer: Hearer) -> None:
    tokens = [sandbox.token(number) for number in CARDS]
    enough = Event()

    def keep_buying(caller: int) -> list[Any]:
        bought = []
        for number in count():
            if enough.is_set():
                return bought
            bought.append(buy(sandbox, tokens[number % len(tokens)], f"{caller}-{number}"))
        raise AssertionError

    with ThreadPoolExecutor(6) as pool:
        callers = [pool.submit(keep_buying, caller) for caller in range(6)]
        try:
            for _ in range(KILLS):
                time.sleep(SystemRandom().uniform(0.05, 0.8))
                sandbox.kill()
                sandbox.start()
        finally:
            enough.set()
        answered = [charge for caller in callers for charge in caller.result()]

    by_key = {charge["idempotency_key"]: charge for charge in all_charges(sandbox)}
    assert len(answered) >= KILLS
    assert len(by_key) == len(all_charges(sandbox))
    assert by_key == {charge["idempotency_key"]: charge for charge in answered}
    wait_until(lambda: set(hearer.times()) == {charge["id"] for charge in answered})
