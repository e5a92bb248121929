"""What the types of the schema cannot say: references that must lead somewhere, values that must fit."""

import math
from collections.abc import Iterable
from itertools import combinations

from config.profiles.errors import ProfileError
from config.profiles.paths import PathError, shape
from config.profiles.schema import ChoiceAttribute, KeyFormat, ProfileFile, Route

LEAST_RANDOM_BITS = 128
OAUTH2_PREFIXES = ("oat_", "ort_", "oac_", "ocs_")  # of access and refresh tokens, codes, secrets
IDENTITY_SCOPES = (
    "openid",
    "profile",
    "email",
    "groups",
    "roles",
)  # oauth.protocol.scopes says what they mean
ALPHABET_SIZES = {"base62": 62, "hex": 16}
# What a header of keys cannot be called: HTTP's, and what clients, proxies and we ourselves say in others.
OTHERS_HEADERS = {
    "accept",
    "authorization",
    "connection",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-organization",
    "x-request-id",
    "x-auth-subject",
    "x-auth-organization",
    "x-auth-credential",
    "x-auth-scopes",
}
OTHERS_BEGINNINGS = ("accept-", "content-", "x-forwarded-", "x-original-")
OWN_RESOURCES = (
    "audit",
    "organizations",
    "scopes",
    "auth/accept-invitation",
    "auth/change-email",
    "auth/change-password",
    "auth/confirm-email",
    "auth/forgot-password",
    "auth/login",
    "auth/logout",
    "auth/logout-everywhere",
    "auth/me",
    "auth/oauth2",
    "auth/refresh",
    "auth/register",
    "auth/reset-password",
    "auth/sessions",
    "auth/totp",
)
OWN_PATHS = (
    "/admin",
    "/gateway",
    "/health",
    "/ready",
    "/schema",
    "/docs",
    "/metrics",
    "/.well-known",
    "/static",
    "/reset-password",
    "/change-password",
    "/recovery",
    "/undo-email-change",
    "/confirm-email",
    "/accept-invitation",
)


def check(source: str, file: ProfileFile) -> None:
    """Raise ProfileError for the first thing in `file` that contradicts itself."""
    try:
        _check_product(file)
        _check_paths(file)
        _check_login(file)
        _check_scopes(file)
        _check_roles(file)
        _check_keys(file)
        _check_routes(file)
        _check_wire(file)
    except _Wrong as wrong:
        raise ProfileError(source, wrong.member, wrong.reason) from None


class _Wrong(Exception):
    def __init__(self, member: str, reason: str) -> None:
        self.member, self.reason = member, reason


def _check_product(file: ProfileFile) -> None:
    if not file.product.name.isprintable():
        raise _Wrong("product.name", "must be printable")
    base = file.product.base_path
    if {".", ".."} & set(base.split("/")):
        raise _Wrong("product.base_path", f"{base} has a dot segment")
    if any(base == own or base.startswith(f"{own}/") for own in OWN_PATHS):
        raise _Wrong("product.base_path", f"{base} is taken by Keyhouse itself")


def _check_paths(file: ProfileFile) -> None:
    """Each resource has a place of its own: of two where one begins as the other, one hides the other."""
    base = file.product.base_path
    taken = [*OWN_PATHS, *(f"{base}/{own}" for own in OWN_RESOURCES)]
    for member, path in (("users", file.paths.users), ("api_keys", file.paths.api_keys)):
        if {".", ".."} & set(path.split("/")):
            raise _Wrong(f"paths.{member}", f"{path} has a dot segment")
        for other in taken:
            if f"{base}/{path}/".startswith(f"{other}/") or other.startswith(f"{base}/{path}/"):
                raise _Wrong(f"paths.{member}", f"{base}/{path} and {other} would hide one another")
        taken.append(f"{base}/{path}")


def _check_login(file: ProfileFile) -> None:
    login = file.login
    _once("login.identifiers", login.identifiers)
    _once("login.second_factor_for", login.second_factor_for)
    if not login.access_token_seconds <= login.session_idle_seconds <= login.session_seconds:
        raise _Wrong("login", "access_token_seconds ≤ session_idle_seconds ≤ session_seconds must hold")
    if login.refresh_grace_seconds and login.refresh_takes == "access_token":
        raise _Wrong(
            "login.refresh_grace_seconds",
            'goes with refresh_takes = "refresh_token" alone; an access token can be exchanged again anyway',
        )
    _check_newcomers("login.registration_role", login.registration_role, "registers", file)
    _check_newcomers("login.invitation_role", login.invitation_role, "accepts an invitation", file)


def _check_newcomers(member: str, role: str, does: str, file: ProfileFile) -> None:
    """The global role, if there is one, of those who make their own account, which has no user name."""
    if not role:
        return
    roles = [name for name, role in file.roles.items() if role.level == "global"]
    _known(member, [role], roles, "global role")
    if "email" not in file.login.identifiers:
        raise _Wrong(member, f'who {does} logs in by "email": add it to identifiers')


def _check_scopes(file: ProfileFile) -> None:
    for name, scope in file.scopes.items():
        if file.oauth2 is not None and name in IDENTITY_SCOPES:
            raise _Wrong(f"scopes.{name}", "OpenID Connect, or OAuth2 here, has a scope of this name")
        _known(f"scopes.{name}.implies", scope.implies, file.scopes, "scope")


def _check_roles(file: ProfileFile) -> None:
    for name, role in file.roles.items():
        _known(f"roles.{name}.scopes", role.scopes, file.scopes, "scope")
    if not any(role.level == "global" for role in file.roles.values()):
        raise _Wrong("roles", 'there is none with level = "global", and a person needs one')


def _check_keys(file: ProfileFile) -> None:
    keys = file.keys
    if not keys.header and not keys.bearer:
        raise _Wrong("keys.header", "keys are taken nowhere: name a header, or set bearer")
    header = keys.header.lower()
    if header in OTHERS_HEADERS or header.startswith(OTHERS_BEGINNINGS):
        raise _Wrong("keys.header", f"{keys.header} has another meaning")
    for name, attribute in keys.attributes.items():
        if isinstance(attribute, ChoiceAttribute):
            _known(f"keys.attributes.{name}.default", [attribute.default], attribute.choices, "choice")
    _known("keys.default_environment", [keys.default_environment], keys.environments, "environment")
    for name, form in keys.environments.items():
        _check_key_format(f"keys.environments.{name}", form, keys.shown_characters)
        if form.prefix.startswith(OAUTH2_PREFIXES):
            raise _Wrong(f"keys.environments.{name}.prefix", f"{form.prefix} is what OAuth2's begin with")
    for (one, first), (two, second) in combinations(keys.environments.items(), 2):
        if first.prefix.startswith(second.prefix) or second.prefix.startswith(first.prefix):
            raise _Wrong(
                f"keys.environments.{two}.prefix",
                f"{second.prefix!r} cannot be told from the prefix of {one!r}, {first.prefix!r}",
            )


def _check_key_format(member: str, form: KeyFormat, shown: int) -> None:
    if form.checksum >= form.length:
        raise _Wrong(f"{member}.checksum", "the checksum is as long as the body or longer")
    secret = form.length - form.checksum - shown
    bits = secret * math.log2(ALPHABET_SIZES[form.alphabet])
    if bits < LEAST_RANDOM_BITS:
        raise _Wrong(
            f"{member}.length",
            f"{max(bits, 0):.0f} random bits stay secret, {LEAST_RANDOM_BITS} are needed "
            "(the checksum and keys.shown_characters do not count)",
        )


def _check_routes(file: ProfileFile) -> None:
    for number, route in enumerate(file.routes, start=1):
        _check_route(f"routes[{number}]", route, file)
    for (one, first), (two, second) in combinations(enumerate(file.routes, start=1), 2):
        shared = sorted(_methods(first) & _methods(second))
        if shared and shape(first.path) == shape(second.path):
            raise _Wrong(f"routes[{two}]", f"{shared[0]} {second.path} can never be told from routes[{one}]")


def _check_route(member: str, route: Route, file: ProfileFile) -> None:
    try:
        shape(route.path)
    except PathError as error:
        raise _Wrong(f"{member}.path", str(error)) from None
    _known(f"{member}.scopes", route.scopes, file.scopes, "scope")
    _known(f"{member}.roles", route.roles, file.roles, "role")
    if "none" in route.credentials and (len(route.credentials) > 1 or route.scopes or route.roles):
        raise _Wrong(f"{member}.credentials", '"none" stands alone, without scopes or roles')
    if "none" in route.credentials and route.second_paths:
        raise _Wrong(f"{member}.second_paths", 'needs a caller: "none" takes no second path')
    if "oauth2" in route.credentials and not route.scopes:
        raise _Wrong(
            f"{member}.scopes", '"oauth2" needs scopes, or a client that has only openid may come in'
        )


def _methods(route: Route) -> set[str]:
    """The methods that a row answers to: HEAD follows GET."""
    return {*route.methods, "HEAD"} if "GET" in route.methods else set(route.methods)


def _check_wire(file: ProfileFile) -> None:
    wire = file.wire
    if wire.ids == "prefixed" and not wire.id_prefixes:
        raise _Wrong("wire.id_prefixes", 'ids = "prefixed" needs a prefix for each resource')
    _once("wire.id_prefixes", wire.id_prefixes.values())
    for resource, members in wire.members.items():
        _once(f"wire.members.{resource}", members)


def _once(member: str, values: Iterable[str]) -> None:
    listed = list(values)
    for value in listed:
        if listed.count(value) > 1:
            raise _Wrong(member, f"{value!r} stands there twice")


def _known(member: str, names: Iterable[str] | str, catalogue: Iterable[str], noun: str) -> None:
    if isinstance(names, str):
        return
    known = list(catalogue)
    for name in names:
        if name not in known:
            raise _Wrong(member, f"there is no {noun} {name!r}; there are: {', '.join(known) or 'none'}")
