"""The admin site: who may come in, and as whom."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver

from accounts.identity import principal_of
from accounts.models import User
from accounts.principals import Credential, Principal
from config import profiles
from config.admin import principal_in

WITHOUT_SERVICE = {"password_change", "password_change_done"}


class KeyhouseAdminSite(admin.AdminSite):
    """Django's admin for people of the active profile: each sees what their role lets them see.

    Every page finds the caller in `request.principal`.
    """

    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody active is logged in whose role allows anything here."""
        if not isinstance(request.user, User) or not request.user.is_active:
            return False
        if principal_in(request) is None:
            setattr(request, "principal", principal_of(request.user, Credential("admin", "")))  # noqa: B010
        principal: Principal = principal_in(request)
        return any(power.capabilities for power in (principal.everywhere, *principal.within.values()))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        name = profiles.active().product.name
        return super().each_context(request) | {"site_title": name, "site_header": name}

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's pages, without those that would change something behind our services' back."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in WITHOUT_SERVICE]
