"""What clients learn about a person, by the scopes of OpenID Connect (Core section 5.4)."""

from collections.abc import Collection
from typing import Any

from django.conf import settings

from accounts.models import Consent, User

SUPPORTED = ("sub", "name", "preferred_username", "email")


def of_person(user: User, scopes: Collection[str]) -> dict[str, Any]:
    """Return the claims about a person that these scopes allow; empty ones are left out."""
    found: dict[str, Any] = {"sub": str(user.uuid)}
    if "profile" in scopes:
        found |= {"name": user.name, "preferred_username": str(user)}
    if "email" in scopes:
        found["email"] = user.email
    return {name: value for name, value in found.items() if value}


def of_login(consent: Consent, scopes: Collection[str]) -> dict[str, Any]:
    """Return what an ID token says beside what oauthlib puts there."""
    said = {"iss": settings.PUBLIC_URL, "auth_time": int(consent.authenticated_at.timestamp())}
    return said | of_person(consent.user, scopes)
