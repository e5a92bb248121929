"""Claims about a person, by the scopes of OpenID Connect (Core section 5.4) and two of Keyhouse's own."""

from collections.abc import Collection
from typing import Any

from django.conf import settings

from access.principals import Credential, Place, Principal
from accounts.models import Organization, User
from accounts.users.principals import principal_of
from accounts.users.profile.disclosure import MEMBERS
from config import profiles
from oauth.models import Consent

SUPPORTED = ("sub", "name", "preferred_username", "email", "email_verified", "groups", "roles")


def of_person(user: User, principal: Principal) -> dict[str, Any]:
    """Return the claims about a person that the credential's scopes allow, without empty ones.

    `principal` is the same person with that credential. The e-mail address replaces a missing user name only
    with the scope `email`.
    """
    scopes = principal.credential.identity_scopes
    found: dict[str, Any] = {"sub": str(user.uuid)}
    if "profile" in scopes:
        name = user.username or (user.email if "email" in scopes else "")
        found |= {"name": user.name, "preferred_username": name}
    found = {name: value for name, value in found.items() if value}
    if "email" in scopes:
        found |= {"email": user.email, "email_verified": user.email_verified}
    if scopes & {"groups", "roles"}:
        found |= {name: value for name, value in _places(principal).items() if name in scopes}
    return found


def _places(principal: Principal) -> dict[str, list[str]]:
    """Return the claims groups and roles: the organizations and roles in which the person may act now.

    A role in an organization is written `organization/role`, which cannot be the name of a global role. After
    a login without a second factor, whatever requires one is left out.
    """
    everywhere = profiles.active().roles_of_level("global")
    names = dict(Organization.objects.filter(pk__in=principal.places).values_list("pk", "name"))
    inside = {
        names[number]: _roles_in(place) for number, place in principal.places.items() if number in names
    }
    roles = [f"{name}/{role}" for name, own in inside.items() for role in own]
    return {
        "groups": sorted(name for name, own in inside.items() if own),
        "roles": sorted([*(role for role in everywhere if role in principal.roles), *roles]),
    }


def _roles_in(place: Place) -> frozenset[str]:
    return place.roles & frozenset(profiles.active().roles_of_level("organization"))


def of_login(consent: Consent, scopes: Collection[str]) -> dict[str, Any]:
    """Return the claims of an ID token that oauthlib does not add."""
    credential = Credential("oauth2", str(consent.uuid), identity_scopes=frozenset(scopes) & MEMBERS.keys())
    principal = principal_of(consent.user, credential, second_factor=consent.second_factor)
    said = {"iss": settings.PUBLIC_URL, "auth_time": int(consent.authenticated_at.timestamp())}
    return said | of_person(consent.user, principal)
