"""Checks what the schema's types cannot express: references between tables, and values that must fit."""

import math
from collections.abc import Iterable
from itertools import combinations

from config.profiles.errors import ProfileError
from config.profiles.keys import ChoiceAttribute, KeyFormat
from config.profiles.paths import PathError, shape
from config.profiles.schema import ProfileFile, Route

LEAST_RANDOM_BITS = 128
# access tokens, refresh tokens, codes, client secrets, device codes
OAUTH2_PREFIXES = ("oat_", "ort_", "oac_", "ocs_", "odc_")
IDENTITY_SCOPES = (
    "openid",
    "profile",
    "email",
    "groups",
    "roles",
)  # defined in oauth.protocol.scopes
ALPHABET_SIZES = {"base62": 62, "hex": 16}
# Headers that cannot carry keys, since HTTP, clients, proxies or Keyhouse use them for other things.
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
    "webhooks",
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
    "/account",
    "/device",
    "/admin",
    "/gateway",
    "/health",
    "/ready",
    "/schema",
    "/docs",
    "/metrics",
    "/leaks",
    "/.well-known",
    "/static",
    "/reset-password",
    "/change-password",
    "/recovery",
    "/undo-email-change",
    "/unsubscribe",
    "/confirm-email",
    "/accept-invitation",
)


def check(source: str, file: ProfileFile) -> None:
    """Raise ProfileError for the first contradiction in `file`."""
    try:
        _check_product(file)
        _check_paths(file)
        _check_login(file)
        _check_scopes(file)
        _check_roles(file)
        _check_keys(file)
        _check_notices(file)
        _check_rotation(file)
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
        raise _Wrong("product.base_path", f"{base} is used by Keyhouse itself")


def _check_paths(file: ProfileFile) -> None:
    """Refuse paths of resources that overlap: one would hide the other."""
    base = file.product.base_path
    taken = [*OWN_PATHS, *(f"{base}/{own}" for own in OWN_RESOURCES)]
    for member, path in (("users", file.paths.users), ("api_keys", file.paths.api_keys)):
        if {".", ".."} & set(path.split("/")):
            raise _Wrong(f"paths.{member}", f"{path} has a dot segment")
        for other in taken:
            if f"{base}/{path}/".startswith(f"{other}/") or other.startswith(f"{base}/{path}/"):
                raise _Wrong(f"paths.{member}", f"{base}/{path} and {other} overlap")
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
            'requires refresh_takes = "refresh_token"; an access token can be exchanged again anyway',
        )
    _check_newcomers("login.registration_role", login.registration_role, "register", file)
    _check_newcomers("login.invitation_role", login.invitation_role, "accept an invitation", file)


def _check_newcomers(member: str, role: str, does: str, file: ProfileFile) -> None:
    """Check the global role, if set, of people who create their own account, which has no user name."""
    if not role:
        return
    roles = [name for name, role in file.roles.items() if role.level == "global"]
    _known(member, [role], roles, "global role")
    if "email" not in file.login.identifiers:
        raise _Wrong(member, f'people who {does} log in by "email": add it to identifiers')


def _check_scopes(file: ProfileFile) -> None:
    for name, scope in file.scopes.items():
        if file.oauth2 is not None and name in IDENTITY_SCOPES:
            raise _Wrong(f"scopes.{name}", "is the name of an OpenID Connect or OAuth2 scope; choose another")
        _known(f"scopes.{name}.implies", scope.implies, file.scopes, "scope")


def _check_roles(file: ProfileFile) -> None:
    for name, role in file.roles.items():
        _known(f"roles.{name}.scopes", role.scopes, file.scopes, "scope")
    if not any(role.level == "global" for role in file.roles.values()):
        raise _Wrong("roles", 'one role must have level = "global": every person needs one')


def _check_keys(file: ProfileFile) -> None:
    keys = file.keys
    if not (keys.header or keys.bearer or keys.basic):
        reason = "clients could not send keys: set a header, bearer = true or basic = true"
        raise _Wrong("keys.header", reason)
    header = keys.header.lower()
    if header in OTHERS_HEADERS or header.startswith(OTHERS_BEGINNINGS):
        raise _Wrong("keys.header", f"{keys.header} has another meaning; choose another header")
    for name, attribute in keys.attributes.items():
        if isinstance(attribute, ChoiceAttribute):
            _known(f"keys.attributes.{name}.default", [attribute.default], attribute.choices, "choice")
    _known("keys.default_environment", [keys.default_environment], keys.environments, "environment")
    for name, form in keys.environments.items():
        _check_key_format(f"keys.environments.{name}", form, keys.shown_characters)
        if form.prefix.startswith(OAUTH2_PREFIXES):
            raise _Wrong(f"keys.environments.{name}.prefix", f"{form.prefix} is a prefix of OAuth2 tokens")
    for (one, first), (two, second) in combinations(keys.environments.items(), 2):
        if first.prefix.startswith(second.prefix) or second.prefix.startswith(first.prefix):
            raise _Wrong(
                f"keys.environments.{two}.prefix",
                f"{second.prefix!r} and the prefix of {one!r}, {first.prefix!r}, must not begin alike",
            )


def _check_key_format(member: str, form: KeyFormat, shown: int) -> None:
    if form.checksum >= form.length:
        raise _Wrong(f"{member}.checksum", "must be less than the length")
    secret = form.length - form.checksum - shown
    bits = secret * math.log2(ALPHABET_SIZES[form.alphabet])
    if bits < LEAST_RANDOM_BITS:
        raise _Wrong(
            f"{member}.length",
            f"leaves {max(bits, 0):.0f} secret random bits; at least {LEAST_RANDOM_BITS} are needed "
            "(the checksum and keys.shown_characters do not count)",
        )


def _check_notices(file: ProfileFile) -> None:
    notices = file.notices
    _once("notices.expiry_days", map(str, notices.expiry_days))
    if notices.stale_disable_days is not None and notices.stale_days is None:
        raise _Wrong("notices.stale_disable_days", "needs stale_days: keys are disabled after that mail")


def _check_rotation(file: ProfileFile) -> None:
    if file.rotation.longest_days is not None and file.rotation.quiet_hours is None:
        raise _Wrong("rotation.longest_days", "needs quiet_hours: only such rotations wait for the old key")


def _check_routes(file: ProfileFile) -> None:
    for number, route in enumerate(file.routes, start=1):
        _check_route(f"routes[{number}]", route, file)
    for (one, first), (two, second) in combinations(enumerate(file.routes, start=1), 2):
        shared = sorted(_methods(first) & _methods(second))
        if shared and shape(first.path) == shape(second.path):
            raise _Wrong(f"routes[{two}]", f"{shared[0]} {second.path} matches the same as routes[{one}]")


def _check_route(member: str, route: Route, file: ProfileFile) -> None:
    try:
        shape(route.path)
    except PathError as error:
        raise _Wrong(f"{member}.path", str(error)) from None
    _known(f"{member}.scopes", route.scopes, file.scopes, "scope")
    _known(f"{member}.roles", route.roles, file.roles, "role")
    if "none" in route.credentials and (len(route.credentials) > 1 or route.scopes or route.roles):
        raise _Wrong(f"{member}.credentials", '"none" must be the only credential, without scopes or roles')
    if "none" in route.credentials and route.second_paths:
        raise _Wrong(f"{member}.second_paths", 'needs a caller: a row with "none" cannot have second paths')
    if "oauth2" in route.credentials and not route.scopes:
        raise _Wrong(f"{member}.scopes", '"oauth2" needs scopes: else a client with only openid could pass')


def _methods(route: Route) -> set[str]:
    """Return the methods that a row matches: GET includes HEAD."""
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
            raise _Wrong(member, f"{value!r} is listed twice")


def _known(member: str, names: Iterable[str] | str, catalogue: Iterable[str], noun: str) -> None:
    if isinstance(names, str):
        return
    known = list(catalogue)
    for name in names:
        if name not in known:
            choices = ", ".join(known) or "none"
            raise _Wrong(member, f"{name!r} is not a known {noun}; the {noun}s are: {choices}")
