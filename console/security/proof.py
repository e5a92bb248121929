"""Forms by which people prove who they are before they change a second factor, and their pages."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.models import Passkey
from accounts.passkeys import questions
from accounts.passkeys.questions import Browser
from accounts.passkeys.relying_party import is_here
from accounts.passkeys.verification import Answer
from accounts.second_factor.recovery_codes import were_just_made
from accounts.second_factor.verification import has_second_factor
from config.wire.errors import DomainError
from console.change_page import ChangePage
from console.security.password import CurrentPasswordField

JUST_MADE = gettext_lazy("You got new recovery codes a moment ago. If you did not see them, make new ones.")


class CodeField(forms.CharField):
    """A code of a second factor."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"})
        super().__init__(max_length=64, widget=widget, **kwargs)


class _NeverShown(forms.HiddenInput):
    """A field that a script fills in, and that no page shows again."""

    def format_value(self, value: Any) -> str:
        return ""


class PasskeyField(forms.CharField):
    """The answer of a passkey, as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=_NeverShown(), **kwargs)


class PasswordForm(forms.Form):
    """The password again."""

    password = CurrentPasswordField(label=gettext_lazy("Password"))


class ProofForm(PasswordForm):
    """The password again, and a code or a passkey of the second factor that the account has."""

    code = CodeField(label=gettext_lazy("Code from your app, or a recovery code"), required=False)
    passkey = PasskeyField(required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("code") and not values.get("passkey") and "code" not in self.errors:
            self.add_error("code", forms.Field.default_error_messages["required"])
        return values


class ProvenPage(ChangePage):
    """One change that needs the password, and a code or a passkey of people who have a second factor."""

    section = "security"
    home = "console-security"
    text_with_passkeys: ClassVar[str | Promise] = ""  # instead of `text`, for people who have passkeys

    def form(self, sent: Any) -> forms.Form:
        return (ProofForm if has_second_factor(self.person) else PasswordForm)(sent)

    def context(self) -> dict[str, Any]:
        has_passkeys = Passkey.objects.filter(second_factor__user=self.person).exists()
        asks = has_passkeys and is_here(self.request)
        question = questions.ask_for_proof(self.request, self.session) if asks else ""
        other = {"text": self.text_with_passkeys} if has_passkeys and self.text_with_passkeys else {}
        return super().context() | {"question": question} | other

    def proof(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the form says, as services take it."""
        sent = values.get("passkey")
        answer = Answer(sent, Browser.of(self.request, self.session)) if sent else None
        return {"password": values["password"], "code": values.get("code", ""), "passkey": answer}


class ShowsCodes(ChangePage):
    """A page that shows new recovery codes, once. If its form is sent twice, the second is refused."""

    def note(self, error: DomainError) -> None:
        """Say, too, if the person got codes that they may not have seen."""
        super().note(error)
        if were_just_made(self.person, self.caller.origin.at):
            messages.warning(self.request, JUST_MADE)
