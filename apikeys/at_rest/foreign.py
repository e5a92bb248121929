"""How other systems digest their keys, so that Keyhouse finds a key by the digest that it got from there.

Keyhouse stores HMAC(pepper, kind, digest), which nobody can make of a digest that leaked from the other
system: the kind is part of the message, between two NULs, and no key contains a NUL. Independent of Django.
"""

import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

Digest = Callable[[str, bytes], bytes]  # of a key, with a pepper of that system


class Kind(NamedTuple):
    """The form of a system's keys, and the digest it stores; None if it stores the keys themselves.

    `is_peppered` says that the system makes its digests with its own peppers. `is_slow` says that it stores
    password hashes: then the digest is only the key's prefix.
    """

    shape: re.Pattern[str]
    digest: Digest | None
    size: int = 0  # of the digest, in bytes
    is_peppered: bool = False
    is_slow: bool = False

    def digests(self, text: str, peppers: Iterable[bytes]) -> list[bytes]:
        """Return what the system may have stored for a key; `peppers` are that system's."""
        if self.digest is None:
            return []
        return [self.digest(text, pepper) for pepper in (peppers if self.is_peppered else (b"",))]


def _sha512(text: str, _: bytes) -> bytes:
    return hashlib.sha512(text.encode()).digest()


def _sha512_of_bytes(text: str, _: bytes) -> bytes:
    return hashlib.sha512(binascii.unhexlify(text)).digest()


def _sha256(text: str, _: bytes) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _netbox(text: str, pepper: bytes) -> bytes:
    """Return KEY and the HMAC of what follows the dot: NetBox finds a token by KEY and compares the HMAC."""
    key, _, secret = text.removeprefix(NETBOX_PREFIX).partition(".")
    return key.encode() + hmac.digest(pepper, secret.encode(), hashlib.sha256)


def _prefix(text: str, _: bytes) -> bytes:
    return text.partition(".")[0].encode()


NETBOX_PREFIX, NETBOX_KEY = "nbt_", 12  # users.constants of NetBox 4.5: TOKEN_PREFIX, TOKEN_KEY_LENGTH
HEX_PAIRS = "(?:[0-9a-f]{2}){16,64}"
ANY_TEXT = re.compile(r"[\x21-\x2b\x2d-\x7e]{20,255}")  # printable, without commas

# By name: the source that each is checked against stands beside it, and tests/migration/minted.toml has keys
# that these packages minted.
KINDS = {
    "drf-authtoken": Kind(re.compile("[0-9a-f]{40}"), None),  # rest_framework.authtoken.models.Token
    "knox4": Kind(re.compile(HEX_PAIRS), _sha512_of_bytes, 64),  # knox.crypto.hash_token of 4.2
    "knox5": Kind(re.compile(rf"[\x21-\x7e]{{0,10}}{HEX_PAIRS}"), _sha512, 64),  # of 5.0
    "drf-api-key": Kind(  # rest_framework_api_key.crypto.Sha512ApiKeyHasher of 3.0: sha512$$HEX
        re.compile(r"[A-Za-z0-9]{1,8}\.[A-Za-z0-9]{20,128}"), _sha512, 64
    ),
    "drf-api-key2": Kind(  # rest_framework_api_key.crypto.KeyGenerator of 2.0: make_password, found by prefix
        re.compile(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{20,128}"), _prefix, 8, is_slow=True
    ),
    "kong": Kind(ANY_TEXT, None),  # kong/plugins/key-auth/daos.lua of 3.9: `key` is a string
    "unkey": Kind(ANY_TEXT, _sha256, 32),  # pkg/hash/sha256.go: base64 of SHA-256
    "netbox1": Kind(re.compile("[A-Za-z0-9]{40}"), None),  # users.models.Token of 4.5: `plaintext`
    "netbox2": Kind(  # users.models.Token.validate of 4.5: HMAC-SHA256 with the pepper of pepper_id
        re.compile(r"nbt_[A-Za-z0-9]{12}\.[\x21-\x2b\x2d-\x7e]{20,200}"),
        _netbox,
        NETBOX_KEY + 32,
        is_peppered=True,
    ),
    "csv": Kind(ANY_TEXT, None),
    "csv-sha256": Kind(ANY_TEXT, _sha256, 32),
    "csv-sha512": Kind(ANY_TEXT, _sha512, 64),
}


def stored(kind: str, digest: bytes, pepper: bytes) -> bytes:
    """Return the digest under which a key is stored until its first use: HMAC-SHA256, 32 bytes."""
    return hmac.digest(pepper, b"\0%b\0%b" % (kind.encode(), digest), hashlib.sha256)


def reference(kind: str, digest: bytes, pepper: bytes) -> bytes:
    """Return the digest by which the next import finds a key again, used or not: HMAC-SHA256, 32 bytes."""
    return stored(f"{kind} reference", digest, pepper)
