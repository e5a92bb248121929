"""/account/sessions: where a person is logged in."""

from typing import NamedTuple

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from access.backoffice.humanize import program
from accounts.models import Session, SessionQuerySet
from accounts.sessions import services as sessions
from config.wire.errors import NotFound
from console.base import ConsolePage

SHOWN = 100  # older logins appear when some of these are ended


class Shown(NamedTuple):
    """A login, the program that it was made with, and whether it is the one that looks at the page."""

    login: Session
    program: str
    is_here: bool


class EndForm(forms.Form):
    """The login to end."""

    session = forms.UUIDField()


class SessionsPage(ConsolePage):
    """The person's live logins, newest first, each with a button that ends it; one ends all others."""

    section = "sessions"

    def get(self, request: HttpRequest) -> HttpResponse:
        listed = [
            Shown(each, program(each.user_agent), each.pk == self.session.pk) for each in self._own()[:SHOWN]
        ]
        return self.page("sessions.html", sessions=listed)

    def post(self, request: HttpRequest) -> HttpResponse:
        if "others" in request.POST:
            sessions.end_other_sessions(caller=self.caller)
            return self.done(_("You are logged out everywhere else."), "console-sessions")
        form = EndForm(request.POST)
        meant = self._own().filter(uuid=form.cleaned_data["session"]).first() if form.is_valid() else None
        if meant is None:
            raise NotFound("This session has ended, or it is not yours.")
        sessions.end_session(caller=self.caller, session=meant)
        return self.done(_("The session is ended."), "console-sessions")

    def _own(self) -> SessionQuerySet:
        return Session.objects.live(self.caller.origin.at).filter(user=self.person)
