"""May this credential make this request? The one decision of the gateway."""

from functools import lru_cache
from uuid import UUID

from django.http import HttpRequest

from accounts.authentication import authenticate_access_token
from accounts.credentials import Presented, presented
from accounts.exceptions import record_denied
from accounts.oauth.authentication import authenticate_oauth2, is_oauth2_like
from accounts.principals import Principal
from apikeys import scopes, usage
from apikeys.authentication import authenticate_key
from apikeys.models import Outcome
from audit.actors import Origin
from config import profiles, wire
from config.errors import InsufficientScope, NotAllowed, NotAuthenticated, NotFound, SecondFactorRequired
from config.profiles import Profile
from config.profiles.schema import Route
from gateway.paths import RefusedPath, segments
from gateway.routes import Node, compile_routes, match

NO_MEMBER = "X-Organization: the caller is in no organization with this id."


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


def decide(request: HttpRequest, method: str, uri: str, origin: Origin) -> tuple[Principal | None, Route]:
    """Return who may make the request `method` `uri` with the credential in `request`'s headers, and its row.

    None stands for a route that is open to everybody. Raises NotAuthenticated, InvalidToken,
    MalformedCredentials, NotAllowed or InsufficientScope.
    """
    route = route_for(profiles.active(), method, uri)
    if "none" in route.credentials:
        return None, route
    sent = presented(request)
    if sent is None:
        raise NotAuthenticated
    principal = authenticate(sent, origin)
    try:
        principal = acting(principal, request.META.get("HTTP_X_ORGANIZATION", ""))
        check_route(principal, route)
    except NotAllowed as error:
        usage.note(principal.credential.number, origin, Outcome.SCOPE)
        record_denied(principal, origin, method, uri.partition("?")[0], error)
        raise
    return principal, route


def authenticate(sent: Presented, origin: Origin) -> Principal:
    """Return whose credential this is, of whatever kind. Raises InvalidToken."""
    if sent.is_key:
        return authenticate_key(sent, origin)
    if is_oauth2_like(sent.text):
        return authenticate_oauth2(sent.text, origin)
    return authenticate_access_token(sent.text, origin)


def acting(principal: Principal, organization: str) -> Principal:
    """Return the caller acting in the organization that X-Organization names, or in their usual one.

    It is named by its id as the profile shows it. Raises NotAllowed unless the caller is a member of it.
    """
    if not organization:
        return principal
    try:
        ((column, value),) = wire.lookup("organization", organization).items()
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
    if principal.credential.kind not in route.credentials:
        raise NotAllowed(f"This takes {' or '.join(route.credentials)}.")
    if route.roles:
        names = f"This needs the role {' or '.join(route.roles)}."
        principal.must(lambda who: bool(who.roles & set(route.roles)), names)
    if not route.scopes and principal.proven is not None and principal.roles != principal.proven.roles:
        raise SecondFactorRequired
    if scopes.missing(route.scopes, principal.scopes):
        if principal.proven is not None and not scopes.missing(route.scopes, principal.proven.scopes):
            raise SecondFactorRequired
        raise InsufficientScope(list(route.scopes))
