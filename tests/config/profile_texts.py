"""Profiles as text: a small good one, which tests change into bad ones."""

from functools import cache

from config import profiles
from config.profiles import Profile

SHIPPED = ("keyhouse", "sentrikat", "sentinelnerd", "sequenceware", "dariet", "netrecon")

GOOD = """
[product]
name = "Example"
base_path = "/v1"

[login]
identifiers = ["username", "email"]
access_token_seconds = 900
session_idle_seconds = 3600
session_seconds = 7200

[keys]
header = "X-API-Key"
bearer = true
default_environment = "live"
shown_characters = 4

[keys.environments.live]
prefix = "ex_live_"
alphabet = "base62"
length = 36
checksum = 6

[keys.environments.test]
prefix = "ex_test_"
alphabet = "hex"
length = 48
checksum = 8

[scopes.read]
description = "Read"

[scopes.write]
description = "Write"
implies = ["read"]

[roles.admin]
description = "Everything"
level = "global"
capabilities = "*"
scopes = "*"

[roles.owner]
description = "One organization"
level = "organization"
capabilities = ["read_keys"]
scopes = ["write"]

[[routes]]
methods = ["GET"]
path = "/items/{id}"
credentials = ["key"]
scopes = ["read"]

[[routes]]
methods = ["POST", "DELETE"]
path = "/items/{id}"
credentials = ["key", "jwt"]
scopes = ["write"]
roles = ["admin"]
"""


def good_but(*changes: tuple[str, str]) -> str:
    """Return GOOD with these changes (old, new). Each old text must exist."""
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


# The dialect of another product, as different from ours as a profile can be, with the roles of the cast.
DIALECT = (
    good_but(("/v1", "/v2/product"))
    .replace("scopes.read]", 'scopes."keys:read"]\ncapabilities = ["read_own_keys", "read_keys"]')
    .replace('implies = ["read"]', 'implies = ["keys:read"]\ncapabilities = ["manage_own_keys"]')
    .replace('scopes = ["read"]', 'scopes = ["keys:read"]')
    + """
[roles.auditor]
description = "Reads the log"
level = "global"
capabilities = ["read_audit"]

[roles.member]
description = "Own keys"
level = "global"
capabilities = ["read_own_keys", "manage_own_keys"]
scopes = "*"

[roles.developer]
description = "Own keys"
level = "organization"
scopes = "*"

[wire]
case = "camel"
envelope = "data"
lists = "array"
ids = "prefixed"
id_prefixes = {api_key = "key_", user = "usr_", organization = "org_", event = "evt_"}
members.api_key_created = ["key", "id", "name", "expires_at", "scopes"]
members.api_key = ["name", "id", "status", "scopes", "expires_at", "last_used_at", "user"]
members.me = ["id", "email", "organizations"]

[wire.names]
expires_at = "expiry"
"api_key.scopes" = "permissions"
"api_key_created.scopes" = "permissions"
"api_key.status" = "state"
"event.actor" = "who"
"""
)


@cache
def profile_called(name: str) -> Profile:
    """A shipped profile, or "dialect". Its OpenAPI document is built once for all tests that share it."""
    return profiles.parse(DIALECT, source="dialect") if name == "dialect" else profiles.load(name)
