"""/account/security/authenticator and /recovery-codes: add, replace and remove a second factor."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import SecondFactor
from accounts.second_factor import services as second_factor
from accounts.second_factor.replacing import begin_replacement, confirm_replacement, is_replacing
from accounts.second_factor.verification import app_of
from accounts.sessions.browser.login import caller_in
from console.security.proof import CodeField, PasswordForm, ProofForm, ProvenPage, ShowsCodes


class CodeForm(forms.Form):
    """The first code of a new app."""

    code = CodeField(label=gettext_lazy("Code from the app"))


class BeginPage(ProvenPage):
    """Add an authenticator app: the answer to the form shows its secret, once."""

    title = gettext_lazy("Add an authenticator app")
    text = gettext_lazy("From then on you log in with your password and a code from the app.")
    button = gettext_lazy("Begin")
    ends_access = True

    def form(self, sent: Any) -> forms.Form:
        return PasswordForm(sent) if app_of(self.person) else super().form(sent)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        return self._enrolment(second_factor.begin_enrolment(caller=self.caller, **self.proof(values)))

    def _enrolment(self, enrolment: second_factor.Enrolment) -> HttpResponse:
        words = self.context() | {"button": ConfirmPage.button, "ended": "", "question": ""}
        return self.page("security/enrolment.html", form=CodeForm(), enrolment=enrolment, **words)


class ReplacePage(BeginPage):
    """Begin to replace the app by another."""

    title = gettext_lazy("Replace the authenticator app")
    text = gettext_lazy(
        "Your present app and your recovery codes work until you confirm the new app. When you confirm it, "
        "you get new recovery codes, and this happens:"
    )
    button = gettext_lazy("Continue")

    def form(self, sent: Any) -> forms.Form:
        return ProofForm(sent)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        return self._enrolment(begin_replacement(caller=self.caller, **self.proof(values)))


class ConfirmPage(ShowsCodes):
    """Confirm the app with one of its codes. The answer shows the recovery codes, once."""

    section = "security"
    home = "console-security"
    form_class = CodeForm
    title = gettext_lazy("Confirm the authenticator app")
    text = gettext_lazy(
        "Type the code that the app shows. If the app does not have the secret, begin again: the secret is "
        "shown only once."
    )
    button = gettext_lazy("Confirm")
    ends_access = True

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        added = SecondFactor.objects.filter(user=self.person, confirmed_at=None).exclude(seed="")
        if not added.exists() and not is_replacing(self.person):
            return HttpResponseRedirect(reverse("console-security"))
        return super().get(request)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        confirm = confirm_replacement if is_replacing(self.person) else second_factor.confirm_enrolment
        codes = confirm(caller=self.caller, **values)
        self.session.second_factor = True  # as the service wrote it
        self.caller = caller_in(self.request, self.session)
        return self.page("security/recovery_codes.html", codes=codes, is_new=True, **self.context())


class RecoveryCodesPage(ShowsCodes, ProvenPage):
    """Replace the recovery codes. The answer to the form shows the new ones, once."""

    title = gettext_lazy("Make new recovery codes")
    text = gettext_lazy("The codes that you have stop working.")
    button = gettext_lazy("Make new codes")

    def act(self, values: dict[str, Any]) -> HttpResponse:
        codes = second_factor.replace_recovery_codes(caller=self.caller, **self.proof(values))
        return self.page("security/recovery_codes.html", codes=codes, **self.context())


class RemovePage(ProvenPage):
    """Remove the authenticator app and its recovery codes."""

    title = gettext_lazy("Remove the authenticator app")
    text = gettext_lazy("Your recovery codes stop working. You then log in with your password alone.")
    text_with_passkeys = gettext_lazy(
        "Your passkeys and your recovery codes go on working. You are logged out everywhere else."
    )
    button = gettext_lazy("Remove the app")
    button_class = "ends"

    def act(self, values: dict[str, Any]) -> HttpResponse:
        second_factor.remove_own_second_factor(caller=self.caller, **self.proof(values))
        return self.done(_("The authenticator app is removed."), "console-security")
