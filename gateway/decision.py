"""The gateway's one decision: may this caller make these requests? It reads and writes nothing."""

from typing import NamedTuple
from uuid import UUID

from access.principals import Principal
from apikeys import scopes
from config.profiles.schema import Route
from config.wire import ids
from config.wire.errors import InsufficientScope, NotAllowed, NotFound, SecondFactorRequired

NO_MEMBER = "X-Organization: the caller is not a member of an organization with this id."


class Asked(NamedTuple):
    """A method and a URI that the caller wants to use, and the row that says who may."""

    method: str
    uri: str
    route: Route


class Refusal(NamedTuple):
    """Why a caller may not make one of the requests."""

    principal: Principal
    asked: Asked
    error: NotAllowed


class Decision(NamedTuple):
    """Who may make the requests (None means anybody) and the scopes they needed; or why not."""

    principal: Principal | None
    scopes: tuple[str, ...] = ()
    refusal: Refusal | None = None

    @property
    def key(self) -> int:
        """The primary key of the API key that is used; 0 if it is another credential, or none."""
        return self.principal.credential.number if self.principal else 0


def decide(asked: list[Asked], principal: Principal | None, organization: str) -> Decision:
    """Decide whether the caller may make all requests, acting in `organization` (an id) if it is given."""
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
    """Return the caller acting in the organization that X-Organization names, or in their default one.

    `organization` is an id as the profile spells it. Raises NotAllowed unless the caller is a member.
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
    """Raise NotAllowed, SecondFactorRequired or InsufficientScope unless the caller satisfies the route.

    A row without roles and scopes still requires a second factor from people who hold their roles only
    after a login with one.
    """
    if "none" in route.credentials:
        return
    if principal.credential.kind not in route.credentials:
        raise NotAllowed(f"This path accepts only these credentials: {', '.join(route.credentials)}.")
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
