"""The admin site: who may use it, and with which power."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.views import LogoutView
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from access.backoffice.base import add_error
from access.backoffice.changelist import check_query
from access.backoffice.errors import said_in_page
from access.callers import principal_if_any, principal_in
from access.exceptions import record_denied
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.forms import AdminLoginForm
from accounts.sessions.browser.login_page import LoginPage
from accounts.sessions.browser.proof_page import proof_page
from accounts.sinks_page import sinks_page
from audit.actors import Origin
from config import profiles
from config.logs import mask
from config.profiles import Capability
from config.wire.errors import BadQuery, DomainError, FreshProofRequired, NotAllowed
from config.wire.http.methods import takes
from config.wire.problems import domain_response, wants_page

LEFT_OUT = {  # Django's pages that would bypass our services, or reveal rows of any table
    *("password_change", "password_change_done", "view_on_site"),
}


class ForwardAutocomplete(AutocompleteJsonView):
    """Django's view, which crashes for the reverse side of a relation; here that is a 403."""

    def process_request(self, request: HttpRequest) -> Any:
        found = super().process_request(request)
        _term, _admin, source_field, _to_field = found
        if not isinstance(source_field, ForeignKey):
            raise PermissionDenied
        return found


class AdminLogout(LogoutView):
    """Django's view, which answers a foreign `next` by a redirect to itself, although it refuses GET."""

    def get_default_redirect_url(self) -> str:
        return self.request.get_full_path()


class KeyhouseAdminSite(admin.AdminSite):
    """Django's admin for the active profile: people see what their roles let them see.

    Every page finds the caller in `request.principal`.
    """

    enable_nav_sidebar = False
    index_title = _("Overview")
    empty_value_display = "—"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether an active person is logged in whose role allows anything here."""
        session = browser.session_in(request)
        if session is None:
            return False
        if principal_if_any(request) is None:
            setattr(request, "principal", browser.person_in(session))  # noqa: B010
        return principal_in(request).holds_anything

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the login page of all pages; lead people who may use the admin on."""
        login = LoginPage(form_class=AdminLoginForm, home="admin:index")
        login.setup(request)
        if request.method in ("GET", "HEAD") and self.has_permission(request):
            return HttpResponseRedirect(login.back())
        return login.dispatch(request)  # type: ignore[return-value]

    @takes("POST")
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """End the browser's login, and say so as Django does; ignore a `next` that is not a page of ours."""
        browser.end(request)
        context = {**self.each_context(request), "has_permission": False, **(extra_context or {})}
        page: Any = AdminLogout.as_view(extra_context=context)
        answer: TemplateResponse = page(request)
        return answer

    @takes("GET")
    def i18n_javascript(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Answer as Django does, but only to GET."""
        return super().i18n_javascript(request, extra_context)

    @takes("GET")
    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Search as Django does. Raises BadQuery for a query that lists refuse, too."""
        check_query(request.GET)
        page: Any = ForwardAutocomplete.as_view(admin_site=self)
        answer: HttpResponse = page(request)
        return answer

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Redirect to the overview, which has the lists of all apps."""
        return HttpResponseRedirect(reverse("admin:index"))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        name = profiles.active().product.name
        principal = principal_if_any(request)
        reads_audit = principal is not None and principal.may_somewhere(Capability.READ_AUDIT)
        names = {"site_title": name, "site_header": name, "reads_audit": reads_audit}
        return super().each_context(request) | names

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap Django's view: show the error of a service as a message, and record what was denied.

        Nothing is written then, because each writing view of Django is one transaction. People who need a
        second factor and have none are sent to the page that adds one, and people whose login is too old to
        the page that renews it.
        """

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if _must_enrol(request) and view != self.logout:
                return HttpResponseRedirect(_enrolment(request))
            try:
                return view(request, *args, **kwargs)
            except BadQuery as error:
                return _refuse_query(request, error)
            except PermissionDenied:
                note_denied(request, NotAllowed("Your role does not allow this."))
                raise
            except FreshProofRequired:
                return HttpResponseRedirect(proof_page(request.get_full_path()))
            except DomainError as error:
                if isinstance(error, NotAllowed):
                    note_denied(request, error)
                if request.method != "POST":
                    raise
                messages.error(request, said_in_page(error))
                return HttpResponseRedirect(request.get_full_path())

        return super().admin_view(guarded, cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return Django's pages, except LEFT_OUT, and ours."""
        pages = [url for url in super().get_urls() if getattr(url, "name", None) not in LEFT_OUT]
        moved = RedirectView.as_view(pattern_name="console-security")
        return [
            path("second-factor/", moved, name="second_factor"),
            path("audit/sinks/", self.admin_view(sinks_page), name="audit_sinks"),
            *pages,
        ]


def _refuse_query(request: HttpRequest, error: BadQuery) -> HttpResponse:
    """Report a wrong query: to a browser on the page without the query, to programs as a problem document."""
    if not wants_page(request):
        return domain_response(error)
    messages.error(request, mask(error.detail))  # it quotes the client's query
    return HttpResponseRedirect(request.path)


def _must_enrol(request: HttpRequest) -> bool:
    """Whether this person must add a second factor first. People who have one must prove it to get here."""
    principal = principal_in(request)
    return not principal.second_factor and (
        settings.ADMIN_SECOND_FACTOR or principal.with_second_factor is not None
    )


def _enrolment(request: HttpRequest) -> str:
    """Return the address of the page that adds a second factor and leads back here."""
    return f"{reverse('console-authenticator')}?{urlencode({'next': request.get_full_path()})}"


def made_with(form: BaseForm, request: HttpRequest, make: Callable[[], HttpResponse]) -> HttpResponse | None:
    """Return what `make` answers to a valid form; None if the form is to show what is wrong."""
    if not form.is_valid():
        return None
    try:
        return make()
    except DomainError as error:
        if isinstance(error, NotAllowed):
            note_denied(request, error)
        add_error(form, error)
    return None


def note_denied(request: HttpRequest, error: NotAllowed) -> None:
    """Record that the person in the admin was denied."""
    record_denied(principal_in(request), Origin.of(request), request.method or "", request.path, error)
