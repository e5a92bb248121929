"""May this credential make this request? The one decision of the gateway."""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest

from access.credentials import Presented, presented
from access.exceptions import record_denied
from access.principals import Principal
from accounts.sessions.authentication import authenticate_access_token
from apikeys import scopes
from apikeys.authentication import authenticate_key
from apikeys.models import Outcome
from apikeys.usage import counting
from audit.actors import Origin
from config import profiles
from config.profiles import Profile
from config.profiles.schema import Route
from config.wire import ids
from config.wire.errors import InsufficientScope, NotAllowed, NotAuthenticated, NotFound, SecondFactorRequired
from gateway.paths import RefusedPath, segments
from gateway.routes import Node, compile_routes, match
from gateway.second_paths import second_paths
from oauth.authentication import authenticate_oauth2, is_oauth2_like

NO_MEMBER = "X-Organization: the caller is in no organization with this id."


class Asked(NamedTuple):
    """A method and a URI that the caller must be allowed to call, and the row that says who is."""

    method: str
    uri: str
    route: Route


class Decision(NamedTuple):
    """Who may make a request, None for everybody, and the scopes that it took."""

    principal: Principal | None
    scopes: tuple[str, ...]


@lru_cache(maxsize=8)
def _table(profile: Profile) -> Node:
    return compile_routes(profile.routes)


def route_for(profile: Profile, method: str, uri: str) -> Route:
    """Return the row of the route table for a request. Raises NotAllowed if it is in none."""
    try:
        found = match(_table(profile), method, segments(uri))
    except RefusedPath as refused:
        raise NotAllowed(f"Refused: {refused}.") from None
    if found is None:
        raise NotAllowed("This method and path are in no row of the route table.")
    return found


def all_asked(request: HttpRequest, method: str, uri: str) -> list[Asked]:
    """Return the request that the proxy asks about, and the same for each second path that it names.

    Raises NotAllowed if one of them is in no row.
    """
    profile, sent = profiles.active(), request.META
    first = Asked(method, uri, route_for(profile, method, uri))
    host = sent.get("HTTP_X_FORWARDED_HOST") or sent.get("HTTP_HOST", "")
    try:
        others = second_paths(first.route, sent, host)
    except RefusedPath as refused:
        raise NotAllowed(f"Refused: {refused}.") from None
    return [first, *(Asked(*other, route_for(profile, *other)) for other in others)]


def decide(request: HttpRequest, method: str, uri: str, origin: Origin) -> Decision:
    """Return who may make the request `method` `uri` with the credential in `request`'s headers.

    Raises NotAuthenticated, InvalidToken, MalformedCredentials, NotAllowed or InsufficientScope.
    """
    asked = all_asked(request, method, uri)
    if "none" in asked[0].route.credentials:
        return Decision(None, ())
    sent = presented(request)
    if sent is None:
        raise NotAuthenticated
    principal, about = authenticate(sent, origin), asked[0]
    try:
        principal = acting(principal, request.META.get("HTTP_X_ORGANIZATION", ""))
        for about in asked:
            check_route(principal, about.route)
    except NotAllowed as error:
        counting.record_use(principal.credential.number, origin, Outcome.SCOPE)
        record_denied(principal, origin, about.method, about.uri.partition("?")[0], error)
        raise
    return Decision(principal, tuple(dict.fromkeys(scope for about in asked for scope in about.route.scopes)))


def authenticate(sent: Presented, origin: Origin) -> Principal:
    """Return whose credential this is, of whatever kind. Raises InvalidToken."""
    if sent.is_key:
        return authenticate_key(sent, origin)
    if is_oauth2_like(sent.secret):
        return authenticate_oauth2(sent.secret, origin)
    return authenticate_access_token(sent.secret, origin)


def acting(principal: Principal, organization: str) -> Principal:
    """Return the caller acting in the organization that X-Organization names, or in their usual one.

    It is named by its id as the profile shows it. Raises NotAllowed unless the caller is a member of it.
    """
    if not organization:
        return principal
    try:
        ((column, value),) = ids.lookup("organization", organization).items()
    except NotFound:
        raise NotAllowed(NO_MEMBER) from None
    for number, place in principal.places.items():
        if value == (number if column == "pk" else UUID(place.organization)):
            return principal.acting_in(number)
    raise NotAllowed(NO_MEMBER)


def check_route(principal: Principal, route: Route) -> None:
    """Raise unless the route takes this credential, its roles and scopes.

    NotAllowed, SecondFactorRequired or InsufficientScope. A row that asks for neither is for whoever holds
    all their roles: not for those who hold none until a login with a second factor.
    """
    if "none" in route.credentials:
        return
    if principal.credential.kind not in route.credentials:
        raise NotAllowed(f"This takes {' or '.join(route.credentials)}.")
    if route.roles:
        names = f"This needs the role {' or '.join(route.roles)}."
        principal.require(lambda who: bool(who.roles & set(route.roles)), names)
    if (
        not route.scopes
        and principal.with_second_factor is not None
        and principal.roles != principal.with_second_factor.roles
    ):
        raise SecondFactorRequired
    if scopes.missing(route.scopes, principal.scopes):
        if principal.with_second_factor is not None and not scopes.missing(
            route.scopes, principal.with_second_factor.scopes
        ):
            raise SecondFactorRequired
        raise InsufficientScope(list(route.scopes))
