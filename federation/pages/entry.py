"""The pages before and after the provider: who vouches for you, and the way back."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views import View

from access.backoffice.base import add_error
from access.backoffice.errors import said_in_page
from access.backoffice.pages import page
from accounts.models import Session
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.login_page import page_in_next
from audit.actors import Origin
from config.wire.errors import DomainError
from config.wire.problems import headers_of
from federation.models import Provider
from federation.pages.memory import flow_in, forget_flow, keep_flow, keep_vouched
from federation.protocol.faults import RefusedByProvider
from federation.protocol.flow import Flow
from federation.services import logging_in
from federation.services.logging_in import NOT_BEGUN, OwnProofRequired, Returned
from federation.services.vouching import Vouched

LONGEST_PARAMETER = 4000  # characters; some providers have long codes


class EntryForm(forms.Form):
    """The address whose domain says who vouches."""

    email = forms.CharField(
        max_length=254,
        label=_("E-mail address at your organization"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
        help_text=_("Only the part after the @ counts. Your organization then asks you to log in."),
    )


class EntryPage(View):
    """Ask for the organization, and go to its provider."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(EntryForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EntryForm(request.POST)
        if not form.is_valid():
            return self._page(form, status=400)
        try:
            provider = logging_in.provider_for(form.cleaned_data["email"])
            return to_provider(request, provider, page_in_next(request))
        except DomainError as error:
            add_error(form, error)
            how: dict[str, Any] = {"status": error.status, "headers": headers_of(error)}
            return self._page(form, **how)

    def _page(self, form: forms.Form, **how: Any) -> HttpResponse:
        answer = page(
            self.request, "account/organization_login.html", form=form, next=page_in_next(self.request), **how
        )
        # form-action also applies to the redirect after the form, which goes to the provider.
        policy = settings.CONTENT_SECURITY_POLICY.replace(" form-action 'self';", "")
        answer.headers["Content-Security-Policy"] = policy
        return answer


def to_provider(request: HttpRequest, provider: Provider, back: str) -> HttpResponse:
    """Begin a login, and redirect to the provider. Raises TooManyAttempts, ProviderFault or Busy.

    Somebody who is logged in with the provider already proves there anew who they are.
    """
    here = browser.session_in(request)
    is_proof = here is not None and here.organization_id == provider.organization_id
    origin = Origin.of(request)
    flow, address = logging_in.begin(provider=provider, back=back, is_proof=is_proof, origin=origin)
    answer = HttpResponseRedirect(address)
    answer.headers["Cache-Control"] = "no-store"
    keep_flow(answer, flow)
    return answer


class CallbackPage(View):
    """Where the provider sends the browser back. Only the browser in which the login began gets further."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer. The browser keeps a login that failed, so that a reload leads back to the same page."""
        flow = flow_in(request)
        try:
            answer = self._arrived(flow)
        except DomainError as error:
            return refused(request, error, flow.back if flow else "")
        forget_flow(answer)
        return answer

    def _arrived(self, flow: Flow | None) -> HttpResponse:
        request, origin = self.request, Origin.of(self.request)
        if flow is None:
            raise RefusedByProvider(NOT_BEGUN)
        vouched = logging_in.word_of_provider(flow=flow, returned=_returned(request), origin=origin)
        try:
            session = self._session(vouched, origin)
        except OwnProofRequired:
            keep_vouched(request, vouched, flow.back, int(origin.at.timestamp()))
            return HttpResponseRedirect(reverse("organization-link-page"))
        return _begun(request, session, flow)

    def _session(self, vouched: Vouched, origin: Origin) -> Session:
        user_agent = self.request.headers.get("User-Agent", "")
        return logging_in.arrive(
            vouched=vouched, origin=origin, user_agent=user_agent, longest=browser.LONGEST
        )


def _returned(request: HttpRequest) -> Returned:
    """Return what the provider sent with the browser. Raises RefusedByProvider."""
    sent = {name: request.GET.getlist(name) for name in ("state", "code", "iss", "error")}
    if any(len(values) > 1 or len("".join(values)) > LONGEST_PARAMETER for values in sent.values()):
        raise RefusedByProvider(NOT_BEGUN)
    return Returned(**{name: "".join(values) for name, values in sent.items()})


def _begun(request: HttpRequest, session: Session, flow: Flow) -> HttpResponse:
    browser.end(request)
    browser.begin(request, session)
    return HttpResponseRedirect(flow.back or reverse("console"))


def refused(request: HttpRequest, error: DomainError, back: str) -> HttpResponse:
    """Return the page that says why a login with a provider ended. From it, people start again."""
    how: dict[str, Any] = {"status": error.status, "headers": headers_of(error)}
    return page(request, "account/organization_refused.html", alert=said_in_page(error), next=back, **how)
