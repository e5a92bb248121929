"""The page on which people see and withdraw their consents."""

from contextlib import suppress
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views import View

from access.principals import Caller
from accounts.sessions import services as sessions
from audit.actors import Origin
from config.wire.errors import NotFound
from oauth.models import Consent, ConsentQuerySet
from oauth.pages.login import login_page, page, person_in, session_in
from oauth.protocol.scopes import catalogue
from oauth.services import consents

SHOWN = 100  # older consents appear when some of these are withdrawn


class WithdrawalForm(forms.Form):
    """The consent to withdraw."""

    consent = forms.UUIDField()


class ConsentsPage(View):
    """The person's consents, newest first, each with a button to withdraw it, and a button to log out."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        session = session_in(request)
        if session is None:
            return HttpResponseRedirect(login_page(request.get_full_path()))
        self.person = session.user
        self.caller = Caller(person_in(session), Origin.of(request))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        words, rows = catalogue(), self._own().select_related("client")[:SHOWN]
        listed = [(row, [(scope, words.get(scope, "")) for scope in row.scopes]) for row in rows]
        return page(request, "consents", person=self.person, consents=listed)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WithdrawalForm(request.POST)
        if "log_out" in request.POST:
            sessions.log_out(caller=self.caller)
            request.session.flush()
        elif form.is_valid():
            meant = self._own().filter(uuid=form.cleaned_data["consent"])
            with suppress(NotFound):  # the person was deleted meanwhile
                consents.withdraw_consents(caller=self.caller, selected=list(meant))
        return HttpResponseRedirect(reverse("oauth2-allowed"))

    def _own(self) -> ConsentQuerySet:
        return Consent.objects.live(self.caller.origin.at).filter(user=self.person)
