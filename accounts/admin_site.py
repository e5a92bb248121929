"""The admin site: who may come in, and as whom."""

from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver

from accounts.exceptions import record_denied
from accounts.forms import LoginForm
from accounts.identity import principal_of
from accounts.models import User
from accounts.principals import Credential, Principal
from audit.actors import Origin
from config import profiles
from config.admin import principal_in
from config.errors import DomainError, NotAllowed
from config.profiles import Capability

WITHOUT_SERVICE = {"password_change", "password_change_done"}


class KeyhouseAdminSite(admin.AdminSite):
    """Django's admin for people of the active profile: each sees what their role lets them see.

    Every page finds the caller in `request.principal`.
    """

    enable_nav_sidebar = False
    login_form = LoginForm

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
        principal = principal_in(request)
        reads_audit = principal is not None and principal.may_somewhere(Capability.READ_AUDIT)
        names = {"site_title": name, "site_header": name, "reads_audit": reads_audit}
        return super().each_context(request) | names

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's; after too many attempts the page is a 429 and says how long to wait."""
        response = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, LoginForm) and form.too_many:
            response.status_code = form.too_many.status
            response.headers["Retry-After"] = str(form.too_many.retry_after)
        return response

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's; what a service refuses becomes a message, and what is denied an event.

        Nothing was written then: Django's views that write are one transaction each.
        """

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                note_denied(request, NotAllowed("Your role does not allow this."))
                raise
            except DomainError as error:
                if isinstance(error, NotAllowed):
                    note_denied(request, error)
                if request.method != "POST":
                    raise
                messages.error(request, error.detail)
                return HttpResponseRedirect(request.get_full_path())

        return super().admin_view(guarded, cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's pages, without those that would change something behind our services' back."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in WITHOUT_SERVICE]


def note_denied(request: HttpRequest, error: NotAllowed) -> None:
    """Record that whoever sits before the admin may not do this."""
    record_denied(principal_in(request), Origin.of(request), request.method or "", request.path, error)
