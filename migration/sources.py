"""The systems from which keys come: the query that reads them, and how their digests are spelled.

Every query names its columns as an export file does, so both are read alike. Independent of the database.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.conf import settings

from access.credentials import BEARER_SCHEME, KONG_HEADER
from apikeys.at_rest.foreign import KINDS, NETBOX_KEY

SHA512 = "sha512$$"
PBKDF2 = re.compile(r"pbkdf2_sha256\$([0-9]{1,8})\$[A-Za-z0-9]{1,64}\$[A-Za-z0-9+/]{43}=")
MOST_ITERATIONS = 2_000_000  # twice as many as Django has today


def _hexadecimal(text: str) -> bytes:
    if not re.fullmatch("([0-9a-f]{2})+", text):
        raise ValueError("digest must be hexadecimal, in lower case")
    return bytes.fromhex(text)


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise ValueError("digest must be base64") from None


def _of_netbox(text: str) -> bytes:
    """Read KEY:PEPPER_ID:HEX. Without the pepper, no server could ever find the token."""
    key, _, rest = text.partition(":")
    number, _, digest = rest.partition(":")
    if len(key) != NETBOX_KEY or not number.isdecimal():
        raise ValueError("digest must be KEY:PEPPER_ID:HMAC_DIGEST of a NetBox token of version 2")
    if int(number) not in settings.NETBOX_PEPPERS:
        raise ValueError(f"digest was made with pepper {number}, which KEYHOUSE_NETBOX_PEPPERS does not have")
    return key.encode() + _hexadecimal(digest)


def _encoded(text: str) -> bytes:
    """Read what Django's make_password made with the hasher of djangorestframework-api-key 3."""
    if not text.startswith(SHA512):
        raise ValueError(
            f"digest must begin with {SHA512}; the package replaces older digests when their keys are used, "
            "and --version-of-keys 2 imports them as they are"
        )
    return _hexadecimal(text.removeprefix(SHA512))


def is_password_hash(text: str) -> bool:
    """Whether a text is a hash of Django's default hasher, which djangorestframework-api-key 2 uses."""
    match = PBKDF2.fullmatch(text)
    return match is not None and int(match[1]) <= MOST_ITERATIONS


class Source(NamedTuple):
    """Keys of one version of a system: their kind, and the place they come in.

    An import reads all versions together that have an `ending`, which is added to the operator's name for
    the system. Their rows are told apart by which of the columns `key` and `digest` they have.
    """

    kind: str
    place: str
    query: str = ""
    read_digest: Callable[[str], bytes] = _hexadecimal
    ending: str | None = None
    before: str = ""  # the kind under which an earlier version of the same key may be here, by its prefix

    def takes(self, values: Mapping[str, Any]) -> bool:
        """Whether a row is of this version."""
        return self.ending is None or bool(values.get("digest")) is not self.has_keys

    @property
    def is_slow(self) -> bool:
        """Whether the system stores password hashes, and finds its keys by their prefix."""
        return KINDS[self.kind].is_slow

    @property
    def has_keys(self) -> bool:
        """Whether the system stores its keys themselves, not digests of them."""
        return KINDS[self.kind].digest is None


API_KEY = (
    "SELECT hashed_key AS digest, prefix, name, created AS created_at, expiry_date AS expires_at, "
    "revoked FROM rest_framework_api_key_apikey"
)
KNOX = (
    "SELECT t.digest AS digest, t.token_key AS prefix, u.username AS owner, u.email AS email, "
    "t.created AS created_at, t.expiry AS expires_at, NOT u.is_active AS disabled "
    "FROM knox_authtoken t JOIN {users} u ON u.id = t.user_id"
)
NETBOX = (
    "SELECT t.plaintext AS \"key\", t.key || ':' || t.pepper_id || ':' || t.hmac_digest AS digest, "
    "'nbt_' || t.key AS prefix, u.username AS owner, u.email AS email, t.description AS name, "
    "t.created AS created_at, t.expires AS expires_at, t.last_used AS last_used_at, "
    "NOT (t.enabled AND u.is_active) AS disabled, array_to_string(t.allowed_ips, ' ') AS allowed_networks, "
    "CASE WHEN t.write_enabled THEN 'write' ELSE 'read' END AS scopes "
    "FROM users_token t JOIN users_user u ON u.id = t.user_id"
)
# By system and version; the first version is the default.
SOURCES: Mapping[str, Mapping[str, Source]] = {
    "drf-authtoken": {
        "": Source(
            "drf-authtoken",
            "token",
            'SELECT t."key" AS "key", u.username AS owner, u.email AS email, t.created AS created_at, '
            "NOT u.is_active AS disabled FROM authtoken_token t JOIN {users} u ON u.id = t.user_id",
        )
    },
    "knox": {"5": Source("knox5", "token", KNOX), "4": Source("knox4", "token", KNOX)},
    "drf-api-key": {
        "3": Source("drf-api-key", "api-key", API_KEY, _encoded, before="drf-api-key2"),
        "2": Source("drf-api-key2", "api-key", API_KEY),
    },
    "kong": {
        "": Source(
            "kong",
            KONG_HEADER,
            'SELECT k."key" AS "key", COALESCE(c.username, c.custom_id) AS owner, '
            "k.created_at AS created_at, k.ttl AS expires_at "
            "FROM keyauth_credentials k JOIN consumers c ON c.id = k.consumer_id",
        )
    },
    "unkey": {
        "": Source(
            "unkey",
            BEARER_SCHEME,
            "SELECT hash AS digest, start AS prefix, name, FROM_UNIXTIME(created_at_m / 1000) AS created_at, "
            "expires AS expires_at, NOT enabled AS disabled, deleted_at_m IS NOT NULL AS revoked FROM `keys`",
            _base64,
        )
    },
    "netbox": {
        "1": Source("netbox1", "token", NETBOX, ending=""),
        "2": Source("netbox2", BEARER_SCHEME, NETBOX, _of_netbox, ending="-2"),
    },
    "csv": {
        "": Source("csv", BEARER_SCHEME),
        "sha256": Source("csv-sha256", BEARER_SCHEME),
        "sha512": Source("csv-sha512", BEARER_SCHEME),
    },
}


def sources(system: str, version: str | None) -> list[Source]:
    """Return what an import of this version reads. Raises ValueError for an unknown version."""
    versions = SOURCES[system]
    if version is None:
        newest, *others = versions.values()
        return [newest, *(each for each in others if each.ending is not None)]
    if version not in versions:
        raise ValueError(f"must be one of: {', '.join(filter(None, versions))}")
    return [versions[version]]
