"""May this caller make these requests? The one decision of the gateway: nothing is read, nothing written."""

from typing import NamedTuple
from uuid import UUID

from access.principals import Principal
from apikeys import scopes
from config.profiles.schema import Route
from config.wire import ids
from config.wire.errors import InsufficientScope, NotAllowed, NotFound, SecondFactorRequired

NO_MEMBER = "X-Organization: the caller is in no organization with this id."


class Asked(NamedTuple):
    """A method and a URI that the caller must be allowed to call, and the row that says who is."""

    method: str
    uri: str
    route: Route


class Refusal(NamedTuple):
    """Why a caller may not do what was asked."""

    principal: Principal
    asked: Asked
    error: NotAllowed


class Decision(NamedTuple):
    """Who may make a request, None for everybody, and the scopes that it took; or why not."""

    principal: Principal | None
    scopes: tuple[str, ...] = ()
    refusal: Refusal | None = None


def decide(asked: list[Asked], principal: Principal | None, organization: str) -> Decision:
    """Return whether the caller may do all that is asked, acting in the organization with this id, if any."""
    if principal is None:
        return Decision(None)
    about = asked[0]
    try:
        caller = acting(principal, organization)
        for about in asked:
            check_route(caller, about.route)
    except NotAllowed as error:
        return Decision(principal, refusal=Refusal(principal, about, error))
    return Decision(caller, tuple(dict.fromkeys(scope for each in asked for scope in each.route.scopes)))


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
