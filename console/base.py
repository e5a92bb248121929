"""What all pages of the console have in common: a login, navigation, and the errors of services."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views import View

from access.backoffice.base import add_error
from access.backoffice.errors import said_in_page
from access.backoffice.pages import page
from access.exceptions import record_denied
from access.freshness import check_fresh
from access.principals import Caller
from accounts.sessions.browser.login import caller_in, session_in
from accounts.sessions.browser.login_page import login_page
from accounts.sessions.browser.proof_page import proof_page
from config.wire.errors import DomainError, FreshProofRequired, NotAllowed, NotFound
from config.wire.problems import domain_response, headers_of
from console.navigation import Section, navigation


class ConsolePage(View):
    """A page of the person who is logged in; other visitors are led to the login page.

    The error of a service is an error page, or after a form a message on the page with the form. A person
    whose login is too old is led to the page that renews it.
    """

    http_method_names = ["get", "head", "post"]
    section: ClassVar[Section]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        session = session_in(request)
        if session is None:
            return HttpResponseRedirect(login_page(request.get_full_path()))
        self.session, self.person = session, session.user
        self.caller: Caller = caller_in(request, session)
        try:
            return super().dispatch(request, *args, **kwargs)
        except DomainError as error:
            return self._refused(error)

    def _refused(self, error: DomainError) -> HttpResponse:
        request = self.request
        if isinstance(error, FreshProofRequired):
            return HttpResponseRedirect(proof_page(request.get_full_path()))
        self.note(error)
        if request.method != "POST" or isinstance(error, NotFound):
            return domain_response(error)
        messages.error(request, said_in_page(error))
        return HttpResponseRedirect(request.get_full_path())

    def note(self, error: DomainError) -> None:
        """Record the error in the audit log if it refuses what the person may not do."""
        if isinstance(error, NotAllowed):
            who, request = self.caller, self.request
            record_denied(who.principal, who.origin, request.method or "", request.path, error)

    def page(self, template: str, **context: Any) -> HttpResponse:
        """Render templates/console/`template` with the navigation, as `access.backoffice.pages.page` does."""
        principal: Any = self.caller.principal
        shown = {"person": self.person, "principal": principal, "section": self.section}
        entries = navigation(principal)
        return page(self.request, f"console/{template}", navigation=entries, **shown, **context)

    def done(self, text: str, to: str, *arguments: Any) -> HttpResponse:
        """Redirect to the page called `to`, which says `text`."""
        messages.success(self.request, text)
        return HttpResponseRedirect(reverse(to, args=arguments))


class FormPage(ConsolePage, ABC):
    """A page with one form, whose values `act` takes; the error of a service is shown beside its field."""

    template: ClassVar[str]
    form_class: ClassVar[type[forms.Form]]
    needs_fresh_login: ClassVar[bool] = False  # then an old login is renewed before anything is typed

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        if self.needs_fresh_login:
            check_fresh(self.caller)
        return self.page(self.template, form=self.form(None), **self.context())

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.page(self.template, form=form, status=400, **self.context())
        try:
            return self.act(form.cleaned_data)
        except NotFound:
            raise
        except DomainError as error:
            self.note(error)
            add_error(form, error)
            how: dict[str, Any] = {"status": error.status, "headers": headers_of(error)}
            return self.page(self.template, form=form, **how, **self.context())

    def form(self, sent: Any) -> forms.Form:
        """Return the form, filled in with what was sent, if anything was."""
        return self.form_class(sent)

    def context(self) -> dict[str, Any]:
        """Return what the template shows besides the form."""
        return {}

    @abstractmethod
    def act(self, values: dict[str, Any]) -> HttpResponse:
        """Call the service and answer. Raises DomainError."""
