"""/account/security/authenticator and /recovery-codes: add, replace and remove a second factor."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import SecondFactor
from accounts.second_factor import services as second_factor
from accounts.sessions.browser.login import caller_in
from console.change_page import ChangePage
from console.security.password import CurrentPasswordField


class CodeField(forms.CharField):
    """A code of a second factor."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"})
        super().__init__(max_length=64, widget=widget, **kwargs)


class PasswordForm(forms.Form):
    """The password again."""

    password = CurrentPasswordField(label=gettext_lazy("Password"))


class CodeForm(forms.Form):
    """The first code of a new app."""

    code = CodeField(label=gettext_lazy("Code from the app"))


class ProofForm(PasswordForm):
    """The password again, and a code of the second factor that the account has."""

    code = CodeField(label=gettext_lazy("Code from your app, or a recovery code"))


class SecondFactorPage(ChangePage):
    """One change to the second factor."""

    section = "security"
    home = "console-security"


class BeginPage(SecondFactorPage):
    """Add an authenticator app: the answer to the form shows its secret, once."""

    form_class = PasswordForm
    title = gettext_lazy("Add an authenticator app")
    text = gettext_lazy("From then on you log in with your password and a code from the app.")
    button = gettext_lazy("Begin")
    ends_access = True

    def act(self, values: dict[str, Any]) -> HttpResponse:
        return self._enrolment(second_factor.begin_enrolment(caller=self.caller, **values))

    def _enrolment(self, enrolment: second_factor.Enrolment) -> HttpResponse:
        words = self.context() | {"button": ConfirmPage.button, "ended": ""}
        return self.page("security/enrolment.html", form=CodeForm(), enrolment=enrolment, **words)


class ReplacePage(BeginPage):
    """Remove the app and begin to add another."""

    form_class = ProofForm
    title = gettext_lazy("Replace the authenticator app")
    text = gettext_lazy(
        "Your present app and its recovery codes stop working when you continue. Until you confirm the new "
        "app, you log in with your password alone. When you confirm it, this happens:"
    )
    button = gettext_lazy("Continue")

    def act(self, values: dict[str, Any]) -> HttpResponse:
        return self._enrolment(second_factor.begin_replacement(caller=self.caller, **values))


class ConfirmPage(SecondFactorPage):
    """Confirm the app with one of its codes. The answer shows the recovery codes, once."""

    form_class = CodeForm
    title = gettext_lazy("Confirm the authenticator app")
    text = gettext_lazy(
        "Type the code that the app shows. If the app does not have the secret, begin again: the secret is "
        "shown only once."
    )
    button = gettext_lazy("Confirm")
    ends_access = True

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        if not SecondFactor.objects.filter(user=self.person, confirmed=False).exists():
            return HttpResponseRedirect(reverse("console-security"))
        return super().get(request)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        codes = second_factor.confirm_enrolment(caller=self.caller, **values)
        self.session.second_factor = True  # as the service wrote it
        self.caller = caller_in(self.request, self.session)
        return self.page("security/recovery_codes.html", codes=codes, is_new=True, **self.context())


class RecoveryCodesPage(SecondFactorPage):
    """Replace the recovery codes. The answer to the form shows the new ones, once."""

    form_class = ProofForm
    title = gettext_lazy("Make new recovery codes")
    text = gettext_lazy("The codes that you have stop working.")
    button = gettext_lazy("Make new codes")

    def act(self, values: dict[str, Any]) -> HttpResponse:
        codes = second_factor.replace_recovery_codes(caller=self.caller, **values)
        return self.page("security/recovery_codes.html", codes=codes, **self.context())


class RemovePage(SecondFactorPage):
    """Remove the authenticator app and its recovery codes."""

    form_class = ProofForm
    title = gettext_lazy("Remove the authenticator app")
    text = gettext_lazy("Your recovery codes stop working. You then log in with your password alone.")
    button = gettext_lazy("Remove the app")
    button_class = "ends"

    def act(self, values: dict[str, Any]) -> HttpResponse:
        second_factor.remove_own_second_factor(caller=self.caller, **values)
        return self.done(_("The authenticator app is removed."), "console-security")
