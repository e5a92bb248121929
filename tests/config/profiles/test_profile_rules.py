"""A profile that contradicts itself is refused with file, member and reason."""

import pytest

from config import profiles
from config.management.commands.checkprofile import endpoints
from config.profiles.rules import OWN_RESOURCES
from tests.config.profile_texts import GOOD, good_but

pytestmark = pytest.mark.once
SOURCE = "/etc/keyhouse/example.toml"


def refusal(text: str | bytes) -> profiles.ProfileError:
    with pytest.raises(profiles.ProfileError) as raised:
        profiles.parse(text, source=SOURCE)
    assert str(raised.value).startswith(f"(keyhouse.E001) profile {SOURCE}: {raised.value.member}: ")
    assert "\n" not in str(raised.value)
    return raised.value


def test_the_good_profile_is_good() -> None:
    assert profiles.parse(GOOD, source=SOURCE).product.name == "Example"


def route(line: str) -> str:
    return f'{GOOD}\n[[routes]]\ncredentials = ["key"]\n{line}\n'


def paths(**named: str) -> str:
    lines = "".join(f'{resource} = "{path}"\n' for resource, path in named.items())
    return good_but(("[login]", f"[paths]\n{lines}\n[login]"))


def login(*lines: str) -> str:
    return good_but(("[login]", "\n".join(["[login]", *lines])))


RULES: dict[str, tuple[str, str, str]] = {
    # an id: (text, member, part of the reason)
    "taken base path": (good_but(("/v1", "/admin")), "product.base_path", "used by Keyhouse"),
    "base path below a taken one": (good_but(("/v1", "/gateway/v1")), "product.base_path", "used"),
    "base path without slash": (good_but(("/v1", "v1")), "product.base_path", "regex"),
    "base path with slash at its end": (good_but(("/v1", "/v1/")), "product.base_path", "regex"),
    "base path with dots": (good_but(("/v1", "/v1/..")), "product.base_path", "dot segment"),
    "base path with a newline": (good_but(('"/v1"', '"/v1\\n"')), "product.base_path", "regex"),
    "two resources at one path": (paths(users="a", api_keys="a"), "paths.api_keys", "overlap"),
    "a resource below another": (paths(api_keys="users/keys"), "paths.api_keys", "overlap"),
    "a resource at an address of ours": (paths(users="auth/login"), "paths.users", "/v1/auth/login"),
    "a resource at another of ours": (paths(api_keys="organizations"), "paths.api_keys", "/v1/organizations"),
    "a resource above addresses of ours": (paths(users="auth"), "paths.users", "overlap"),
    "a path with dots": (paths(users="a/.."), "paths.users", "dot segment"),
    "a resource at the admin": (
        paths(users="admin").replace('base_path = "/v1"', 'base_path = ""'),
        "paths.users",
        "/admin overlap",
    ),
    "name with a newline": (good_but(('"Example"', '"Exam\\nple"')), "product.name", "printable"),
    "empty name": (good_but(('"Example"', '""')), "product.name", "length >= 1"),
    "no identifier": (good_but(('["username", "email"]', "[]")), "login.identifiers", "length >= 1"),
    "unknown identifier": (good_but(('"username", ', '"phone", ')), "login.identifiers[1]", "'phone'"),
    "same identifier twice": (good_but(('"username", ', '"email", ')), "login.identifiers", "twice"),
    "idle shorter than access": (good_but(("= 3600", "= 60")), "login", "must hold"),
    "session shorter than idle": (good_but(("= 7200", "= 60")), "login", "must hold"),
    "no time at all": (good_but(("= 900", "= 0")), "login.access_token_seconds", ">= 1"),
    "endless time": (good_but(("= 7200", "= 999999999999")), "login.session_seconds", "<= 315360000"),
    "short passwords": (login("password_min_length = 7"), "login.password_min_length", ">= 8"),
    "less than no grace": (login("refresh_grace_seconds = -1"), "login.refresh_grace_seconds", ">= 0"),
    "a long grace": (login("refresh_grace_seconds = 61"), "login.refresh_grace_seconds", "<= 60"),
    "a grace for access tokens": (
        login('refresh_takes = "access_token"', "refresh_grace_seconds = 5"),
        "login.refresh_grace_seconds",
        'requires refresh_takes = "refresh_token"',
    ),
    "login tokens without a signature": (
        login("token_algorithm = 'none'"),
        "login.token_algorithm",
        "'none'",
    ),
    "keys that look like tokens of OAuth2": (
        good_but(("ex_live_", "oat_live_")),
        "keys.environments.live.prefix",
        "OAuth2",
    ),
    "a scope that OpenID Connect has": (
        good_but(("[scopes.read]", "[oauth2]\n[scopes.email]\ndescription = 'x'\n[scopes.read]")),
        "scopes.email",
        "OpenID Connect",
    ),
    "an algorithm that nobody should use": (
        good_but(("[scopes.read]", "[oauth2]\nid_token_algorithm = 'HS256'\n[scopes.read]")),
        "oauth2.id_token_algorithm",
        "HS256",
    ),
    "a role for newcomers that is none": (
        login('registration_role = "nobody"'),
        "login.registration_role",
        "'nobody' is not a known global role",
    ),
    "newcomers who could not log in": (
        login('registration_role = "admin"').replace('"username", "email"', '"username"'),
        "login.registration_role",
        'register log in by "email"',
    ),
    "a role for the invited that is none": (
        login('invitation_role = "owner"'),
        "login.invitation_role",
        "'owner' is not a known global role",
    ),
    "invited people who could not log in": (
        login('invitation_role = "admin"').replace('"username", "email"', '"username"'),
        "login.invitation_role",
        'accept an invitation log in by "email"',
    ),
    "header with another meaning": (good_but(("X-API-Key", "Authorization")), "keys.header", "meaning"),
    "header in which requests are numbered": (
        good_but(("X-API-Key", "X-Request-ID")),
        "keys.header",
        "meaning",
    ),
    "header that says where one acts": (good_but(("X-API-Key", "x-organization")), "keys.header", "meaning"),
    "header that says what is asked about": (
        good_but(("X-API-Key", "X-Original-URI")),
        "keys.header",
        "meaning",
    ),
    "header of proxies": (good_but(("X-API-Key", "X-Forwarded-For")), "keys.header", "meaning"),
    "header that services trust": (good_but(("X-API-Key", "X-Auth-Subject")), "keys.header", "meaning"),
    "header of every browser": (good_but(("X-API-Key", "User-Agent")), "keys.header", "meaning"),
    "header of forms": (good_but(("X-API-Key", "Origin")), "keys.header", "meaning"),
    "bad header": (good_but(("X-API-Key", "X API Key")), "keys.header", "regex"),
    "dangling environment": (
        good_but(('default_environment = "live"', 'default_environment = "prod"')),
        "keys.default_environment",
        "'prod' is not a known environment; the environments are: live, test",
    ),
    "no environment": (
        GOOD[: GOOD.index("[keys.env")] + "environments = {}\n" + GOOD[GOOD.index("[scopes.read]") :],
        "keys.environments",
        "length >= 1",
    ),
    "same prefix": (
        good_but(("ex_test_", "ex_live_")),
        "keys.environments.test.prefix",
        "and the prefix of 'live'",
    ),
    "prefix of a prefix": (good_but(("ex_test_", "ex_live_test_")), "keys.environments.test.prefix", "alike"),
    "prefix that begins another": (good_but(("ex_test_", "ex_")), "keys.environments.test.prefix", "alike"),
    "prefix without underscore": (good_but(("ex_live_", "exlive")), "keys.environments.live.prefix", "regex"),
    "unknown alphabet": (good_but(("base62", "base64")), "keys.environments.live.alphabet", "'base64'"),
    "checksum as long as the body": (
        good_but(("checksum = 6", "checksum = 36")),
        "keys.environments.live.checksum",
        "less than the length",
    ),
    "too little randomness": (
        good_but(("checksum = 6", "checksum = 12")),
        "keys.environments.live.length",
        "leaves 119 secret random bits; at least 128 are needed",
    ),
    "too much of the key is shown": (
        good_but(("shown_characters = 4", "shown_characters = 9")),
        "keys.environments.live.length",
        "125 secret random bits",
    ),
    "dangling implied scope": (
        good_but(('implies = ["read"]', 'implies = ["raed"]')),
        "scopes.write.implies",
        "'raed' is not a known scope; the scopes are: read, write",
    ),
    "dangling scope of a role": (
        good_but(('scopes = ["write"]\n\n[[', 'scopes = ["wirte"]\n\n[[')),
        "roles.owner.scopes",
        "'wirte' is not a known scope",
    ),
    "no global role": (good_but(('level = "global"', 'level = "organization"')), "roles", "must have level"),
    "unknown level": (good_but(('"global"', '"galactic"')), "roles.admin.level", "'galactic'"),
    "unknown capability": (good_but(('"read_keys"', '"fly"')), "roles.owner.capabilities[1]", "'fly'"),
    "no text but a star": (good_but(('capabilities = "*"', 'capabilities = "all"')), "roles.admin", "'all'"),
    "scope name with a blank": (good_but(("scopes.read]", 'scopes."re ad"]')), "scopes.re ad", "regex"),
    "dangling scope of a route": (
        route('methods = ["GET"]\npath = "/x"\nscopes = ["reed"]'),
        "routes[3].scopes",
        "'reed' is not a known scope",
    ),
    "dangling role of a route": (
        route('methods = ["GET"]\npath = "/x"\nroles = ["boss"]'),
        "routes[3].roles",
        "'boss' is not a known role",
    ),
    "routes that are the same": (
        route('methods = ["DELETE"]\npath = "/items/{number}"'),
        "routes[3]",
        "DELETE /items/{number} matches the same as routes[2]",
    ),
    "HEAD beside GET": (
        route('methods = ["HEAD"]\npath = "/items/{number}"'),
        "routes[3]",
        "HEAD /items/{number} matches the same as routes[1]",
    ),
    "method in small letters": (route('methods = ["get"]\npath = "/x"'), "routes[3].methods[1]", "regex"),
    "no method": (route('methods = []\npath = "/x"'), "routes[3].methods", "length >= 1"),
    "unknown credential": (
        good_but(('["key"]', '["cookie"]')),
        "routes[1].credentials[1]",
        "'cookie'",
    ),
    "none among others": (
        good_but(('["key"]', '["none", "key"]')),
        "routes[1].credentials",
        '"none" must be the only',
    ),
    "none with scopes": (
        good_but(('["key"]', '["none"]')),
        "routes[1].credentials",
        "without scopes or roles",
    ),
    "a row that a client would pass that may only know who logged in": (
        good_but(('["key"]\nscopes = ["read"]', '["key", "oauth2"]\nroles = ["admin"]')),
        "routes[1].scopes",
        '"oauth2" needs scopes',
    ),
    "members twice": (
        f'{GOOD}[wire]\nmembers.user = ["id", "id"]',
        "wire.members.user",
        "'id' is listed twice",
    ),
    "no members": (f"{GOOD}[wire]\nmembers.user = []", "wire.members.user", "length >= 1"),
    "empty spelling": (f'{GOOD}[wire]\nnames.id = ""', "wire.names.id", "regex"),
    "spelling of no text": (f"{GOOD}[wire]\nnames.id = 5", "wire.names.id", "got `int`"),
    "prefixed without prefixes": (f'{GOOD}[wire]\nids = "prefixed"', "wire.id_prefixes", "for each resource"),
    "empty prefix": (f'{GOOD}[wire]\nid_prefixes.user = ""', "wire.id_prefixes.user", "regex"),
    "same prefix of ids twice": (
        f'{GOOD}[wire]\nid_prefixes = {{user = "x_", api_key = "x_"}}',
        "wire.id_prefixes",
        "twice",
    ),
    "unknown form of ids": (f'{GOOD}[wire]\nids = "random"', "wire.ids", "'random'"),
    "odd envelope": (f'{GOOD}[wire]\nenvelope = "a b"', "wire.envelope", "regex"),
    "unknown member": (good_but(("base_path", "base_bath")), "product.base_bath", "is not a member"),
    "unknown member of a scope": (
        good_but(('description = "Write"', 'description = "Write"\ncapability = []')),
        "scopes.write.capability",
        "is not a member",
    ),
    "unknown table": (f"{GOOD}[rules]\nx = 1", "rules", "is not a member"),
    "missing member": (good_but(('name = "Example"', "")), "product.name", "is missing"),
    "missing member of a role": (good_but(('level = "global"\n', "")), "roles.admin.level", "is missing"),
    "missing table": (good_but(("[product]", "[produce]")), "produce", "is not a member"),
    "wrong type": (good_but(("= 900", '= "900"')), "login.access_token_seconds", "Expected `int`, got `str`"),
    "a date": (good_but(("= 900", "= 2026-01-01")), "login.access_token_seconds", "got `date`"),
    "a number for a table": (
        good_but(("[scopes.read]", "[scopes]\nx = 1\n[scopes.read]")),
        "scopes.x",
        "int",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_profile_that_breaks_a_rule_is_refused(rule: str) -> None:
    text, member, reason = RULES[rule]
    error = refusal(text)
    assert error.member.startswith(member), str(error)
    assert reason in error.reason, str(error)


def test_no_resource_can_take_one_of_our_own_addresses_below_the_base_path() -> None:
    moved = profiles.active().paths
    taken = tuple(f"/api/v1/{path}" for path in (*OWN_RESOURCES, moved.users, moved.api_keys))
    assert [each["path"] for each in endpoints() if not each["path"].startswith(taken)] == []


BAD_PATHS = (
    "items",
    *["/", "//", "/items/", "/a//b", "/a/../b", "/./a", "/a/**/b", "/{A}", "/{}", "/a{id}"],
    "/a b",
)


@pytest.mark.parametrize("path", [*BAD_PATHS, "/%41", "/a;b", "/a?b", "/a#b", "/ü", "/{id", "/*"])
def test_a_bad_path_pattern_is_refused(path: str) -> None:
    assert refusal(route(f'methods = ["GET"]\npath = "{path}"')).member == "routes[3].path"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "product"),
        ("[product", "is not TOML"),
        (GOOD + '\n[product]\nname = "again"', "is not TOML"),
        ("a = " + "[" * 10_000, "nested too deeply"),
        (b"\xff\xfe", "not UTF-8"),
        (GOOD.encode("utf-16"), "not UTF-8"),
        ("a\0 = 1", "is not TOML"),
        ('["a\\nb"]\nx = 1', "is not a member"),
    ],
)
def test_a_file_that_is_not_a_profile_is_refused(text: str | bytes, reason: str) -> None:
    assert reason in str(refusal(text))
