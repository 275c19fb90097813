"""Settings come from the environment, and a careless production is refused in one sentence."""

import os
import re
import runpy
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

from tests.token_keys import new_private_key

ROOT: Path = settings.BASE_DIR
# Nothing connects here: a check of the settings needs no database.
PEM = new_private_key()
SOUND = {
    "COMPTOIR_PRODUCTION": "true",
    "DEBUG": "false",
    "SECRET_KEY": "a-long-random-value-of-our-own-for-this-test",
    "ALLOWED_HOSTS": "comptoir.example",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "COMPTOIR_TOKEN_KEYS": PEM.replace("\n", "\\n"),
    "COMPTOIR_STRIPE_KEY": "a key of Stripe's",
    "COMPTOIR_STRIPE_WEBHOOK_SECRET": "a secret of Stripe's",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Reads the settings as a process with this environment would, without the seconds that it takes to start."""

    def read(**environment: str) -> dict[str, Any]:
        for name, value in (SOUND | environment).items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "src" / "config" / "settings.py"))

    return read


def check(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "check", *options],
        # Set for the browser's tests alone.
        env={**os.environ, **SOUND, **environment, "DJANGO_ALLOW_ASYNC_UNSAFE": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sound_production_starts() -> None:
    outcome = check()

    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_django_has_nothing_to_say_against_it() -> None:
    outcome = check("--deploy", "--fail-level", "WARNING", SECRET_KEY=secrets.token_hex(32))

    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_django_would_say_what_is_careless() -> None:
    careless = {"SECRET_KEY": secrets.token_hex(32), "COMPTOIR_HTTPS": "false"}
    outcome = check("--deploy", "--fail-level", "WARNING", **careless)

    assert outcome.returncode == 1
    assert set(re.findall(r"security\.W\d+", outcome.stderr)) == {
        *("security.W004", "security.W008", "security.W012", "security.W016"),
    }


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"DEBUG": "true"},
            "DEBUG is on in production, where it would show code and secrets: unset DEBUG.",
        ),
        (
            {"SECRET_KEY": "insecure-key-for-a-first-try-on-one-machine"},
            "SECRET_KEY is the public default: set it to a long random value of your own.",
        ),
        (
            {"SECRET_KEY_FALLBACKS": "insecure-key-for-a-first-try-on-one-machine"},
            "SECRET_KEY_FALLBACKS holds the public default, by which anybody could sign: take it out.",
        ),
        (
            {"ALLOWED_HOSTS": "*"},
            "ALLOWED_HOSTS is *: name the hosts that this installation answers for.",
        ),
        (
            {"COMPTOIR_PAYMENT_PROVIDER": "checkout.service.sandbox.Sandbox"},
            "COMPTOIR_PAYMENT_PROVIDER is the sandbox, where test cards pay: unset it.",
        ),
        (
            {"COMPTOIR_CURRENCY": "JPY"},
            "COMPTOIR_CURRENCY has no cents, but all prices here have two decimal places.",
        ),
        (
            {"COMPTOIR_STRIPE_KEY": ""},
            "COMPTOIR_STRIPE_KEY is missing: it is Stripe's secret key, which charges cards.",
        ),
        (
            {"COMPTOIR_STRIPE_WEBHOOK_SECRET": ""},
            "COMPTOIR_STRIPE_WEBHOOK_SECRET is missing: it proves that a notice is Stripe's.",
        ),
        (
            {"COMPTOIR_RATE_OPERATIONS": "false"},
            "COMPTOIR_RATE_OPERATIONS is off in production, where somebody would guess: unset it.",
        ),
        (
            {"ALLOWED_HOSTS": "comptoir.example,*"},
            "ALLOWED_HOSTS is *: name the hosts that this installation answers for.",
        ),
        (
            {"COMPTOIR_TOKEN_KEYS": ""},
            "COMPTOIR_TOKEN_KEYS is missing: make a key with `openssl genpkey -algorithm ed25519`.",
        ),
        (
            {"COMPTOIR_TOKEN_KEYS_FILE": "/nowhere/keys.pem"},
            "COMPTOIR_TOKEN_KEYS_FILE names /nowhere/keys.pem, which is no file.",
        ),
        ({"SECRET_KEY": ""}, "The SECRET_KEY setting must not be empty."),
        (
            {"COMPTOIR_PRODUCTION": "perhaps"},
            'Environment variable "COMPTOIR_PRODUCTION" invalid: Not a valid boolean.',
        ),
        (
            {"COMPTOIR_RATE_PER_CALLER": "often"},
            '"often" is no rate: write one as "6000 per minute", or nothing for none.',
        ),
        ({"REDIS_URL": "127.0.0.1:6379"}, "REDIS_URL is no Redis: write it as redis://host:6379/0."),
        ({"DATABASE_URL": "nonsense"}, 'Environment variable "DATABASE_URL" invalid: Not a valid database URL.'),
    ],
)
def test_a_careless_one_is_refused(
    read: Callable[..., dict[str, Any]], environment: dict[str, str], sentence: str
) -> None:
    with pytest.raises((ImproperlyConfigured, EnvError)) as refusal:
        read(**environment)

    assert str(refusal.value) == sentence


def test_a_refused_start_says_one_sentence() -> None:
    outcome = check(COMPTOIR_TOKEN_KEYS="nonsense")

    sentence = "COMPTOIR_TOKEN_KEYS does not hold exactly one private key, of type Ed25519.\n"
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (1, "", sentence)


def test_the_keys_of_tokens_may_come_from_a_file(read: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "keys.pem").write_text(PEM)

    settings = read(COMPTOIR_TOKEN_KEYS="", COMPTOIR_TOKEN_KEYS_FILE=str(tmp_path / "keys.pem"))

    assert settings["COMPTOIR_TOKEN_KEYS"] == PEM


def test_another_provider_needs_no_secrets_of_stripe(read: Callable[..., dict[str, Any]]) -> None:
    without = {"COMPTOIR_STRIPE_KEY": "", "COMPTOIR_STRIPE_WEBHOOK_SECRET": ""}

    assert read(**without, COMPTOIR_PAYMENT_PROVIDER="our.own.Provider")["COMPTOIR_STRIPE_KEY"] == ""


def test_former_secret_keys_are_known(read: Callable[..., dict[str, Any]]) -> None:
    settings = read(SECRET_KEY_FALLBACKS="the last one,the one before")

    assert settings["SECRET_KEY_FALLBACKS"] == ["the last one", "the one before"]


def test_a_first_try_needs_no_settings_but_a_database(read: Callable[..., dict[str, Any]]) -> None:
    unset = dict.fromkeys(["COMPTOIR_PRODUCTION", "DEBUG"], "false") | {"ALLOWED_HOSTS": "*"}

    assert read(**unset, SECRET_KEY="insecure-key-for-a-first-try-on-one-machine")["DEBUG"] is False


# --- .env.example ----------------------------------------------------------------------------------------------------

READERS = ["src/config/settings.py", "src/config/gunicorn.py", "manage.py"]
READ = re.compile(r'\benv\.\w+\(\s*"([A-Z_]+)"|\benviron\.get\(\s*"([A-Z_]+)"')
LISTED = re.compile(r"^#? ?([A-Z_]+)=", re.MULTILINE)


def test_the_example_lists_every_variable_that_is_read() -> None:
    read = {"".join(names) for reader in READERS for names in READ.findall((ROOT / reader).read_text())}
    listed = LISTED.findall((ROOT / ".env.example").read_text())

    assert {"DATABASE_URL", "SECRET_KEY", "COMPTOIR_PORT", "COMPTOIR_DATA"} <= read
    assert read - set(listed) == set()
    assert len(listed) == len(set(listed))


def test_the_example_lists_none_that_nothing_reads() -> None:
    code = "\n".join(path.read_text() for path in [ROOT / "manage.py", *(ROOT / "src").rglob("*.py")])
    containers = (ROOT / "deploy" / "compose.yaml").read_text()
    listed = LISTED.findall((ROOT / ".env.example").read_text())

    assert [name for name in listed if f'"{name}"' not in code and f"${{{name}" not in containers] == []
