"""The page on which a person proves again who they are, because their login is too old for what they want."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views import View

from access.backoffice.base import add_error
from access.backoffice.pages import page
from accounts.models import Session
from accounts.passkeys import questions
from accounts.passkeys.questions import Browser
from accounts.passkeys.relying_party import is_here
from accounts.passkeys.verification import Answer
from accounts.passwords.rules import LONGEST
from accounts.second_factor.verification import has_second_factor
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.login_page import login_page, page_in_next
from accounts.sessions.proving import prove_again
from config.wire.errors import DomainError
from config.wire.problems import headers_of


def proof_page(back: str) -> str:
    """Return the address of the page, which afterwards redirects to `back`."""
    return f"{reverse('proof-page')}?{urlencode({'next': back})}"


def _proves_at_provider(session: Session) -> bool:
    """Whether only the provider can renew the login: the person has no password that counts here."""
    place = session.organization
    return place is not None and (place.requires_provider or not session.user.has_usable_password())


class PasswordForm(forms.Form):
    """The password of the person who is logged in."""

    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        label=gettext_lazy("Password"),
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "autofocus": True, "data-needed": True}
        ),
    )


class ProofForm(PasswordForm):
    """The password, and a code of the second factor that the person has."""

    code = forms.CharField(
        max_length=64,
        label=gettext_lazy("Code from your app, or a recovery code"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


class ProofPage(View):
    """/account/prove: prove who one is, and return to the page that asked for it."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        session = browser.session_in(request)
        if session is None:  # the login that follows is a proof, too
            return HttpResponseRedirect(login_page(self.back()))
        if _proves_at_provider(session):
            again = urlencode({"next": self.back()})  # the provider asks them
            return HttpResponseRedirect(f"{reverse('organization-login-page')}?{again}")
        self.session: Session = session
        self.form_class = ProofForm if has_second_factor(session.user) else PasswordForm
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(self.form_class())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        sent = request.POST.get("passkey", "")
        if sent and "code" in form.fields:
            form.fields["code"].required = False
        if not form.is_valid():
            return self._page(form, status=400)
        passkey = Answer(sent, Browser.of(request, self.session)) if sent else None
        try:
            prove_again(caller=browser.caller_in(request, self.session), passkey=passkey, **form.cleaned_data)
        except DomainError as error:
            add_error(form, error)
            return self._page(form, status=error.status, headers=headers_of(error))
        messages.success(request, gettext("Thank you. Now you can go on."))
        return HttpResponseRedirect(self.back())

    def back(self) -> str:
        """Return the page of ours that asked for the proof, or else the console."""
        return page_in_next(self.request) or reverse("console")

    def _question(self) -> str:
        """Return what to ask the browser's passkeys; "" for a person without any here."""
        asks = is_here(self.request) and questions.passkeys_of(self.session.user)
        return questions.ask_for_proof(self.request, self.session) if asks else ""

    def _page(self, form: forms.Form, **how: Any) -> HttpResponse:
        return page(
            self.request,
            "account/proof.html",
            form=form,
            next=page_in_next(self.request),
            person=self.session.user,
            question=self._question(),
            **how,
        )
