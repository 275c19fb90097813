"""Access and refresh tokens: what they hold, who may use them, and for how long."""

import base64
import json
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts.interface import BadCredentials, InvalidToken, Tokens, accounts
from accounts.models import Login, User
from accounts.service import tokens as signing
from shared_kernel.audit import Deed
from shared_kernel.ids import new_id
from shared_kernel.models import AuditEntry
from tests.accounts.actions import EMAIL, PASSWORD, nothing_changes, register
from tests.threads import at_once
from tests.token_keys import new_private_key, public_key_of

pytestmark = pytest.mark.django_db

ELLIPTIC = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
"""


@pytest.fixture
def keys(settings: Any) -> Iterator[Callable[..., None]]:
    """Starts the installation anew with these keys."""

    def use(*blocks: str) -> None:
        settings.COMPTOIR_TOKEN_KEYS = "".join(blocks)
        signing.key_ring.cache_clear()

    yield use
    signing.key_ring.cache_clear()


def log_in() -> Tokens:
    register()
    return accounts.log_in(email=EMAIL, password=PASSWORD, address="")


def holds(access_token: str) -> bool:
    try:
        accounts.actor_of_token(access_token=access_token)
    except InvalidToken:
        return False
    return True


def decoded(part: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


# --- Access tokens ---------------------------------------------------------------------------------------------------


def test_an_access_token_holds_two_ids_and_ten_minutes() -> None:
    customer = register()

    header, claims, _ = accounts.log_in(email=EMAIL, password=PASSWORD, address="").access.split(".")

    held = decoded(claims)
    lifetime = held.pop("exp") - held.pop("iat")
    assert (held, lifetime) == ({"sub": str(customer.id), "sid": str(Login.objects.get().id)}, 600)
    assert decoded(header).keys() == {"alg", "typ", "kid"}
    assert decoded(header)["alg"] == "EdDSA"


def with_header(token: str, **values: Any) -> str:
    header, _, rest = token.partition(".")
    changed = json.dumps(decoded(header) | values).encode()
    return f"{base64.urlsafe_b64encode(changed).decode().rstrip('=')}.{rest}"


FORGERIES: list[Callable[[str], str]] = [
    lambda token: "",
    lambda token: "nonsense",
    lambda token: token[:-4] + "AAAA",
    lambda token: token.rpartition(".")[0] + ".",
    lambda token: "eyJhbGciOiJub25lIn0." + token.split(".")[1] + ".",  # {"alg":"none"}
    lambda token: token + "\x00",
    lambda token: "é" + token,
    lambda token: with_header(token, alg="none"),
    lambda token: with_header(token, alg="HS256"),
    lambda token: with_header(token, kid="another"),
    lambda token: with_header(token, kid=["another"]),
    lambda token: with_header(token, kid=None),
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_token_is_refused(forge: Callable[[str], str]) -> None:
    tokens = log_in()

    assert not holds(forge(tokens.access))
    assert accounts.refresh(refresh_token=forge(tokens.access)) is None
    assert holds(tokens.access)


def test_a_token_signed_with_another_key_is_refused() -> None:
    access = log_in().access
    _, claims, _ = access.split(".")
    kid = jwt.get_unverified_header(access)["kid"]
    stranger = load_pem_private_key(new_private_key().encode(), password=None)

    assert not holds(jwt.encode(decoded(claims), stranger, "EdDSA", headers={"kid": kid}))


@pytest.mark.parametrize("claim", ["sub", "sid", "iat", "exp"])
def test_a_token_without_one_of_its_claims_is_refused(claim: str) -> None:
    ring, access = signing.key_ring(), log_in().access
    claims = decoded(access.split(".")[1])
    del claims[claim]

    kid = signing.name_of(ring.signing.public_key())
    assert not holds(jwt.encode(claims, ring.signing, "EdDSA", headers={"kid": kid}))


def test_an_expired_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "LIFETIME", timedelta(seconds=-1))

    assert not holds(log_in().access)


def test_a_token_that_held_is_refused_once_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    access = log_in().access
    assert holds(access)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) + signing.LIFETIME

    monkeypatch.setattr(signing, "datetime", Later)

    assert not holds(access)


def test_a_token_of_nobody_is_refused() -> None:
    log_in()

    assert not holds(signing.signed(new_id(), Login.objects.get().id))
    assert not holds(signing.signed(Login.objects.get().person_id, new_id()))


def test_nobody_uses_another_ones_login() -> None:
    log_in()
    other = register(email="marc@example.com")

    assert not holds(signing.signed(other.id, Login.objects.get().id))


# --- Refresh tokens --------------------------------------------------------------------------------------------------


def test_a_refresh_token_gives_a_fresh_pair() -> None:
    first = log_in()

    second = accounts.refresh(refresh_token=first.refresh)

    assert second is not None
    assert second.refresh != first.refresh
    assert holds(first.access)
    assert holds(second.access)
    assert accounts.refresh(refresh_token=second.refresh)
    assert Login.objects.count() == 1


def test_a_refresh_token_that_comes_again_ends_its_login() -> None:
    first = log_in()
    other = accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    second = accounts.refresh(refresh_token=first.refresh)
    assert second is not None

    assert accounts.refresh(refresh_token=first.refresh) is None

    assert accounts.refresh(refresh_token=second.refresh) is None
    assert not holds(second.access)
    assert holds(other.access)


def test_whoever_knows_a_logins_id_alone_does_not_end_it() -> None:
    tokens = log_in()
    login_id = Login.objects.get().id

    with nothing_changes():
        for token in ["nonsense", "", "\x00"]:
            assert accounts.refresh(refresh_token=f"{login_id.hex}.{token}") is None

    assert holds(tokens.access)


def test_a_token_from_long_ago_ends_nothing() -> None:
    tokens = [log_in()]
    for _ in range(2):
        fresh = accounts.refresh(refresh_token=tokens[-1].refresh)
        assert fresh is not None
        tokens.append(fresh)

    assert accounts.refresh(refresh_token=tokens[0].refresh) is None

    assert accounts.refresh(refresh_token=tokens[-1].refresh)


def test_the_trail_tells_whose_token_came_twice() -> None:
    first = log_in()
    login = Login.objects.get()
    accounts.refresh(refresh_token=first.refresh)

    accounts.refresh(refresh_token=first.refresh)

    refusal = AuditEntry.objects.get(deed=Deed.REFUSED)
    assert (refusal.subject, refusal.subject_id, refusal.about_id) == ("login", str(login.id), login.person_id)


@pytest.mark.plain_calls
def test_the_trail_tells_whose_login_failed_and_never_the_e_mail() -> None:
    customer = register()

    for email in [EMAIL.upper(), "nobody@example.com"]:
        with pytest.raises(BadCredentials):
            accounts.log_in(email=email, password="wrong", address="")

    refusals = AuditEntry.objects.filter(deed=Deed.REFUSED).order_by("id")
    assert [(entry.subject, entry.subject_id, entry.about_id, entry.changes) for entry in refusals] == [
        ("login", "", customer.id, {}),
        ("login", "", None, {}),
    ]


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
def test_of_many_who_refresh_at_once_one_gets_the_pair() -> None:
    tokens = log_in()

    answers = at_once([lambda: accounts.refresh(refresh_token=tokens.refresh)] * 4)

    assert len([answer for answer in answers if answer]) == 1


def test_a_refresh_token_lasts_seven_days() -> None:
    tokens = log_in()
    Login.objects.update(refreshed_at=datetime.now(UTC) - timedelta(days=7))

    with nothing_changes():
        assert accounts.refresh(refresh_token=tokens.refresh) is None


def test_a_login_that_nobody_refreshed_is_forgotten() -> None:
    log_in()
    now = datetime.now(UTC)

    assert accounts.forget_logins(now=now + timedelta(days=6)) == 0
    assert accounts.forget_logins(now=now + timedelta(days=8)) == 1
    assert not Login.objects.exists()


def test_only_the_digest_of_a_refresh_token_is_kept() -> None:
    tokens = log_in()

    assert tokens.refresh.partition(".")[2].encode() not in bytes(Login.objects.get().digest)


# --- Logging out -----------------------------------------------------------------------------------------------------


def test_logging_out_ends_one_login_at_once() -> None:
    tokens = log_in()
    other = accounts.log_in(email=EMAIL, password=PASSWORD, address="")

    accounts.log_out(refresh_token=tokens.refresh)

    assert not holds(tokens.access)
    assert accounts.refresh(refresh_token=tokens.refresh) is None
    assert holds(other.access)


def test_logging_out_again_or_with_nonsense_changes_nothing() -> None:
    tokens = log_in()
    accounts.log_out(refresh_token=tokens.refresh)
    accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    login_id = Login.objects.get().id

    with nothing_changes():
        for token in [tokens.refresh, "", "nonsense", f"{login_id.hex}.nonsense"]:
            accounts.log_out(refresh_token=token)


def test_all_logins_of_a_person_end_at_once_and_nobody_elses() -> None:
    customer, other = register(), register(email="other@example.com")
    pairs = [accounts.log_in(email=EMAIL, password=PASSWORD, address="") for _ in range(2)]
    theirs = accounts.log_in(email=other.email, password=PASSWORD, address="")

    assert accounts.end_logins(person_id=customer.id) == 2

    assert [holds(tokens.access) for tokens in pairs] == [False, False]
    assert [accounts.refresh(refresh_token=tokens.refresh) for tokens in pairs] == [None, None]
    assert holds(theirs.access)


def test_where_there_are_no_logins_none_end() -> None:
    customer = register()

    assert accounts.end_logins(person_id=customer.id) == 0
    with nothing_changes():
        assert accounts.end_logins(person_id=new_id()) == 0


def test_browsers_sessions_end_with_all_other_logins() -> None:
    customer, client = register(), Client()
    client.force_login(User.objects.get())
    before = client.get("/api/v1/customers/me/").status_code

    accounts.end_logins(person_id=customer.id)

    assert (before, client.get("/api/v1/customers/me/").status_code) == (200, 401)


def test_a_session_goes_on_while_the_secret_changes(settings: Any) -> None:
    register()
    client = Client()
    client.force_login(User.objects.get())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret", [settings.SECRET_KEY]

    assert client.get("/api/v1/customers/me/").status_code == 200


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_keys_are_changed_without_a_break(keys: Callable[..., None]) -> None:
    old, new = new_private_key(), new_private_key()
    keys(old)
    before = log_in()

    keys(old, public_key_of(new))
    assert holds(before.access)
    keys(new, public_key_of(old))
    after = accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    assert holds(before.access)
    assert jwt.get_unverified_header(after.access)["kid"] != jwt.get_unverified_header(before.access)["kid"]
    keys(old, public_key_of(new))
    assert holds(after.access)
    keys(new)
    assert not holds(before.access)
    assert holds(after.access)
    assert accounts.refresh(refresh_token=before.refresh)


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ([], "COMPTOIR_TOKEN_KEYS does not hold exactly one private key, of type Ed25519."),
        ([public_key_of(new_private_key())], "COMPTOIR_TOKEN_KEYS does not hold exactly one private key, of type"),
        ([new_private_key(), new_private_key()], "COMPTOIR_TOKEN_KEYS does not hold exactly one private key, of type"),
        ([ELLIPTIC], "COMPTOIR_TOKEN_KEYS does not hold exactly one private key, of type Ed25519."),
        (["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"], "A key in COMPTOIR_TOKEN_KEYS cannot be"),
    ],
)
def test_keys_that_are_none_are_refused(blocks: list[str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{sentence}"):
        signing.KeyRing.read("".join(blocks))


def test_a_first_try_makes_its_key_once(keys: Callable[..., None], settings: Any, tmp_path: Path) -> None:
    settings.COMPTOIR_DATA = tmp_path / "data"
    keys()

    access = log_in().access
    keys()

    assert holds(access)
    [file] = (tmp_path / "data").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("token-key.pem", 0o600)


def test_processes_that_start_together_share_the_key_of_the_first(tmp_path: Path) -> None:
    made = at_once([lambda: signing._development_key(tmp_path / "token-key.pem")] * 8)

    assert len(set(made)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["token-key.pem"]
