"""/account/security/passkeys: add, rename and remove passkeys."""

from abc import ABC
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Passkey
from accounts.passkeys import questions
from accounts.passkeys import services as passkeys
from accounts.passkeys.questions import Browser
from accounts.passkeys.relying_party import is_here
from accounts.passkeys.verification import Answer
from accounts.sessions.browser.login import caller_in
from config.wire.errors import NotFound
from console.base import FormPage
from console.change_page import ChangePage
from console.security.proof import PasskeyField, ProvenPage, ShowsCodes

WHERE = gettext_lazy("Where the passkey is, for example “Laptop” or “blue security key”.")


class NewPasskeyForm(forms.Form):
    """The name of a new passkey, and what the browser made."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=WHERE,
        widget=forms.TextInput(attrs={"data-needed": True, "autocomplete": "off"}),
    )
    passkey = PasskeyField(required=False)


class AddPage(ProvenPage):
    """Prove who one is; the answer is the page that makes the passkey."""

    title = gettext_lazy("Add a passkey")
    text = gettext_lazy(
        "A passkey is kept by your device, your password manager or a security key. You log in with it "
        "instead of your password, or after it. From then on your password alone is not enough."
    )
    button = gettext_lazy("Continue")
    ends_access = True

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        if not is_here(request):
            return HttpResponseRedirect(reverse("console-security"))
        return super().get(request)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        passkeys.check_may_add(caller=self.caller, **self.proof(values))
        question = questions.ask_for_new(self.request, self.session)
        words = self.context() | {"question": question, "ended": ""}
        return self.page("security/new_passkey.html", form=NewPasskeyForm(), **words)


class ConfirmPage(ShowsCodes):
    """Store the passkey that the browser made. The answer shows recovery codes if the person had none."""

    section = "security"
    home = "console-security"
    form_class = NewPasskeyForm
    title = gettext_lazy("Add a passkey")
    text = gettext_lazy(
        "If your security page does not list the passkey, remove it from your device, and begin again."
    )
    button = gettext_lazy("Begin again")
    template = "security/begin_again.html"

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("console-passkey-add"))

    def act(self, values: dict[str, Any]) -> HttpResponse:
        answer = Answer(values["passkey"], Browser.of(self.request, self.session))
        codes = passkeys.add_passkey(caller=self.caller, answer=answer, name=values["name"])
        if not codes:
            return self.done(_("The passkey is added."), "console-security")
        self.session.second_factor = True  # as the service wrote it
        self.caller = caller_in(self.request, self.session)
        return self.page("security/recovery_codes.html", codes=codes, is_passkey=True, **self.context())


class OnePasskeyPage(FormPage, ABC):
    """A page about one passkey of the person."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.number: UUID = kwargs.pop("passkey")
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def passkey(self) -> Passkey:
        """The passkey. Raises NotFound."""
        found = Passkey.objects.filter(second_factor__user=self.person, uuid=self.number).first()
        if found is None:
            raise NotFound("This passkey no longer exists.")
        return found


class RenameForm(forms.Form):
    """Another name."""

    name = forms.CharField(max_length=100, label=gettext_lazy("Name"), help_text=WHERE)


class RenamePage(OnePasskeyPage, ChangePage):
    """Give one passkey another name."""

    section = "security"
    home = "console-security"
    form_class = RenameForm
    title = gettext_lazy("Rename a passkey")
    text = gettext_lazy("The name is for you alone. The passkey itself stays as it is.")
    button = gettext_lazy("Rename")

    def form(self, sent: Any) -> forms.Form:
        return RenameForm(sent, initial={"name": self.passkey.name})

    def act(self, values: dict[str, Any]) -> HttpResponse:
        passkeys.rename_passkey(caller=self.caller, renamed=self.passkey, name=values["name"])
        return self.done(_("The passkey is renamed."), "console-security")


class RemovePage(OnePasskeyPage, ProvenPage):
    """Remove one passkey."""

    title = gettext_lazy("Remove a passkey")
    text = gettext_lazy("Afterwards, remove it from the device or the password manager that keeps it, too.")
    button = gettext_lazy("Remove the passkey")
    button_class = "ends"
    ends_access = True

    def context(self) -> dict[str, Any]:
        return super().context() | {"title": _("Remove the passkey “%(name)s”") % {"name": self.passkey}}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        proof = self.proof(values)
        passkeys.remove_passkey(caller=self.caller, removed=self.passkey, **proof)
        return self.done(_("The passkey is removed."), "console-security")
