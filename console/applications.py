"""/account/applications: the OAuth2 clients that may act for a person."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from console.base import ConsolePage
from oauth.models import Consent, ConsentQuerySet
from oauth.protocol.scopes import catalogue
from oauth.services import consents

SHOWN = 100  # older consents appear when some of these are withdrawn


class WithdrawalForm(forms.Form):
    """The consent to withdraw."""

    consent = forms.UUIDField()


class ApplicationsPage(ConsolePage):
    """The person's consents, newest first, each with a button to withdraw it."""

    section = "applications"

    def get(self, request: HttpRequest) -> HttpResponse:
        words, rows = catalogue(), self._own().select_related("client")[:SHOWN]
        listed = [(row, [(scope, words.get(scope, "")) for scope in row.scopes]) for row in rows]
        return self.page("applications.html", consents=listed)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WithdrawalForm(request.POST)
        if form.is_valid():
            meant = self._own().filter(uuid=form.cleaned_data["consent"])
            consents.withdraw_consents(caller=self.caller, selected=list(meant))
        text = _("The application no longer has access to your account.")
        return self.done(text, "console-applications")

    def _own(self) -> ConsentQuerySet:
        return Consent.objects.live(self.caller.origin.at).filter(user=self.person)
