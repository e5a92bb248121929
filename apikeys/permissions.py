"""Requires scopes on DRF views, of Keyhouse or of your own project."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.permissions import NEEDED_SCOPES
from access.principals import Principal
from apikeys import scopes
from config import profiles
from config.wire.errors import InsufficientScope, NotAuthenticated


class HasScope(BasePermission):
    """Let in credentials that have every scope in the view's `required_scopes`.

    `required_scopes` is a list, or maps methods to lists: {"GET": […], "POST": […]}. A method that
    is not in the mapping is refused; HEAD counts as GET. Raises ImproperlyConfigured for a view without
    `required_scopes`, or with a scope that the profile does not define.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        principal = request.user
        if not isinstance(principal, Principal):
            raise NotAuthenticated
        required = required_scopes(view, request.method or "")
        if required is None or scopes.missing(required, principal.scopes):
            raise InsufficientScope(required or [])
        request.META[NEEDED_SCOPES] = tuple(required)
        return True


def required_scopes(view: Any, method: str) -> list[str] | None:
    """Return the scopes that `view` requires for `method`, or None if it refuses every caller."""
    declared = getattr(view, "required_scopes", None)
    if not declared:
        raise ImproperlyConfigured(f"{type(view).__name__} declares no required_scopes")
    required = _for_method(declared, method) if isinstance(declared, Mapping) else declared
    if isinstance(required, str):
        raise ImproperlyConfigured(f"{type(view).__name__}.required_scopes is a string; write a list")
    unknown = scopes.unknown(required or [], profiles.active().scopes)
    if unknown:
        raise ImproperlyConfigured(f"{type(view).__name__} requires the unknown scope {unknown[0]}")
    return None if required is None else list(required)


def _for_method(declared: Mapping[str, Any], method: str) -> Any:
    return declared.get(method, declared.get("GET") if method == "HEAD" else None)
