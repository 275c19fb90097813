"""Access tokens: JSON Web Tokens (RFC 7519) that carry two ids and a time, and no word about a person.

Signed with Ed25519 (RFC 8037). Each names its key (`kid`), so that several keys hold at once: to change the key, first
let every replica know the new public key, then sign with it, and ten minutes later take the old one away.
"""

import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from os import link
from pathlib import Path
from typing import Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LIFETIME = timedelta(minutes=10)
ALGORITHM = "EdDSA"
PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
CLAIMS = ["sub", "sid", "iat", "exp"]


@dataclass(frozen=True, eq=False)
class KeyRing:
    """The key that signs, and all whose signatures hold, by their names."""

    signing: Ed25519PrivateKey
    accepted: dict[str, Ed25519PublicKey]

    @classmethod
    def read(cls, text: str) -> Self:
        """The keys of PEM blocks, one after the other: one private key, and any number of public ones.

        Raises ImproperlyConfigured.
        """
        private, public = [], []
        try:
            for block in PEM_BLOCK.finditer(text):
                if "PRIVATE" in block[1]:
                    private.append(serialization.load_pem_private_key(block[0].encode(), password=None))
                else:
                    public.append(serialization.load_pem_public_key(block[0].encode()))
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"A key in COMPTOIR_TOKEN_KEYS cannot be read: {error}") from error
        if len(private) != 1 or not isinstance(private[0], Ed25519PrivateKey):
            raise ImproperlyConfigured("COMPTOIR_TOKEN_KEYS does not hold exactly one private key, of type Ed25519.")
        public.append(private[0].public_key())
        return cls(private[0], {name_of(key): key for key in public if isinstance(key, Ed25519PublicKey)})


def name_of(key: Ed25519PublicKey) -> str:
    """A key's name: the beginning of its digest, so that nobody has to choose one."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


@cache
def key_ring() -> KeyRing:
    """The keys of this installation."""
    return KeyRing.read(settings.COMPTOIR_TOKEN_KEYS or _development_key(settings.COMPTOIR_DATA / "token-key.pem"))


def _development_key(path: Path) -> str:
    """The key that is kept in a file, made by whichever process comes first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent) as file:
            file.write(
                Ed25519PrivateKey.generate().private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
            file.flush()
            # All at once or not at all: another process never reads half a key, nor replaces one in use.
            with suppress(FileExistsError):
                link(file.name, path)
    return path.read_text()


def signed(person_id: UUID, login_id: UUID) -> str:
    """An access token for this person, that holds as long as the login, and ten minutes at most."""
    ring, now = key_ring(), datetime.now(UTC)
    claims = {"sub": str(person_id), "sid": str(login_id), "iat": now, "exp": now + LIFETIME}
    return jwt.encode(claims, ring.signing, ALGORITHM, headers={"kid": name_of(ring.signing.public_key())})


def read(access_token: str) -> tuple[UUID, UUID]:
    """The person and the login that an access token names. Raises jwt.InvalidTokenError."""
    person_id, login_id, expires = _verified(key_ring(), access_token)
    if expires <= datetime.now(UTC).timestamp():
        raise jwt.ExpiredSignatureError
    return person_id, login_id


@lru_cache(maxsize=1000)
def _verified(ring: KeyRing, access_token: str) -> tuple[UUID, UUID, int]:
    """What a token says, and until when. One comes with many calls, and is as good at each: it is verified once."""
    key = ring.accepted.get(jwt.get_unverified_header(access_token).get("kid", ""))
    if key is None:
        raise jwt.InvalidTokenError
    claims = jwt.decode(access_token, key, algorithms=[ALGORITHM], options={"require": CLAIMS})
    return UUID(claims["sub"]), UUID(claims["sid"]), int(claims["exp"])
