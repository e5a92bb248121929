"""What each of our own endpoints requires. A view that declares nothing is an error, not an open door."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.principals import Principal
from config import profiles
from config.profiles import Capability, Profile
from config.wire.errors import InsufficientScope, NotAllowed, NotAuthenticated

# One of these capabilities in any organization (the service then checks which one); or any valid credential;
# or a person who logged in.
Need = frozenset[Capability] | Literal["authenticated", "person"]
Needs = Mapping[str, Need]

NEEDED_SCOPES = "keyhouse.needed_scopes"  # in request.META: the scope that let a key in


class DeclaredNeeds(BasePermission):
    """Let in callers who have what the view declares for this action: `needs = {"list": …, "create": …}`.

    An action is a viewset's action, or the HTTP method in lower case.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        principal = request.user
        if not isinstance(principal, Principal):
            raise NotAuthenticated
        if principal.credential.kind == "key" and not profiles.active().keys.at_own_endpoints:
            raise NotAllowed("This endpoint does not accept API keys.")
        need = need_of(view, request.method or "")
        check_need(principal, need)
        if principal.credential.kind == "key" and not isinstance(need, str):
            request.META[NEEDED_SCOPES] = scopes_for(need, principal.scopes_anywhere)
        return True


def need_of(view: Any, method: str) -> Need:
    """Return what `view` declares for its action."""
    needs: Needs | None = getattr(view, "needs", None)
    if needs is None:
        raise ImproperlyConfigured(f"{type(view).__name__} does not declare what it needs")
    action = action_of(view, method)
    if action not in needs:
        raise ImproperlyConfigured(f"{type(view).__name__} does not declare what {action} needs")
    return needs[action]


def action_of(view: Any, method: str) -> str:
    """Return the viewset's action, or the method in lower case; HEAD counts as GET."""
    return getattr(view, "action", None) or ("get" if method == "HEAD" else method.lower())


def check_need(principal: Principal, need: Need) -> None:
    """Raise InsufficientScope for a program, or NotAllowed for a person, without what is needed.

    Raises SecondFactorRequired for a person who would have it after a login with a second factor.
    """
    if need == "authenticated":
        return
    if need == "person":
        if not principal.is_person:
            raise NotAllowed("Only people who log in may do this, not programs.")
        return
    if principal.is_person:
        principal.require(lambda who: _holds_one(who, need), "Your role does not allow this.")
    elif not _holds_one(principal, need):
        raise InsufficientScope(list(scopes_for(need)))


def _holds_one(principal: Principal, capabilities: frozenset[Capability]) -> bool:
    return any(principal.may_somewhere(capability) for capability in capabilities)


def scopes_of_programs(view: Any, method: str) -> tuple[str, ...] | None:
    """Return the scopes that let a program in: () if it needs none, None if no program may do this.

    A view names in `of_people` the actions whose services refuse programs, whatever their scopes.
    """
    need = need_of(view, method)
    if isinstance(need, str):
        return () if need == "authenticated" else None
    return None if action_of(view, method) in getattr(view, "of_people", ()) else scopes_for(need) or None


def scopes_for(capabilities: frozenset[Capability], among: frozenset[str] | None = None) -> tuple[str, ...]:
    """Return the first scope (of `among`, if given) that grants one of the capabilities; () if none does."""
    return _first_opening(profiles.active(), capabilities, among)


@lru_cache(maxsize=1024)
def _first_opening(
    profile: Profile, capabilities: frozenset[Capability], among: frozenset[str] | None
) -> tuple[str, ...]:
    """Cached: every request with an API key asks for it."""
    for name in profile.scopes if among is None else [each for each in profile.scopes if each in among]:
        if capabilities & profile.power_of_scopes(frozenset({name})).capabilities:
            return (name,)
    return ()
