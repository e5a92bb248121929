"""/account/profile: a person's name, language and time zone, their mails, and another e-mail address."""

from typing import Any

from django import forms
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.backoffice.forms import KnowsChanges
from accounts.mail.email_change import ask_for_change
from accounts.mail.email_undo import UNDO_DAYS
from accounts.models import EmailChange
from accounts.notifications.kinds import CHOICES, Notification
from accounts.users.changes import ProfileChanges
from accounts.users.forms import LanguageField, NotificationsField, TimeZoneField
from accounts.users.names import EMAIL_LENGTH, NAME_LENGTH
from accounts.users.profile.services import change_own_profile
from console.base import FormPage
from console.change_page import ChangePage
from console.security.password import CurrentPasswordField


class ProfileForm(KnowsChanges, forms.Form):
    """What people change about themselves without a proof; an old page undoes no newer change."""

    name = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        label=gettext_lazy("Your name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = LanguageField()
    time_zone = TimeZoneField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.send_back()


class EmailForm(forms.Form):
    """The new address, and the password again."""

    new_email = forms.CharField(
        max_length=EMAIL_LENGTH,
        label=gettext_lazy("New e-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    current_password = CurrentPasswordField(label=gettext_lazy("Password"))


class MailsForm(forms.Form):
    """Which mails about API keys the person gets."""

    notifications = NotificationsField()


class ProfilePage(FormPage):
    """What the person is called and where they get mail, with a form for what they may change."""

    section = "profile"
    template = "profile.html"
    form_class = ProfileForm

    def form(self, sent: Any) -> forms.Form:
        self.asked = ProfileForm(sent, initial=model_to_dict(self.person, list(ProfileForm.base_fields)))
        return self.asked

    def context(self) -> dict[str, Any]:
        asked = EmailChange.objects.filter(user=self.person, expires_at__gt=self.caller.origin.at).first()
        return {"asked": asked, "mails": [CHOICES[Notification(kind)] for kind in self.person.notifications]}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        change_own_profile(caller=self.caller, changes=ProfileChanges(**self.asked.changes()))
        return self.done(_("Your profile is saved."), "console-profile")


class EmailPage(ChangePage):
    """Ask for another e-mail address, with the password."""

    section = "profile"
    home = "console-profile"
    form_class = EmailForm
    title = gettext_lazy("Change your e-mail address")
    text = format_lazy(
        gettext_lazy(
            "We mail a link to the new address. When you follow it, your account gets this address, and "
            "links that we mailed to you before stop working. For {days} days the old address can take the "
            "account back."
        ),
        days=UNDO_DAYS,
    )
    button = gettext_lazy("Mail me a link")

    def act(self, values: dict[str, Any]) -> HttpResponse:
        ask_for_change(caller=self.caller, **values)
        text = _("We have mailed a link to the new address. Your address stays the same until you follow it.")
        return self.done(text, "console-profile")


class MailsPage(ChangePage):
    """Choose which mails about API keys to get."""

    section = "profile"
    home = "console-profile"
    form_class = MailsForm
    title = gettext_lazy("Mails about API keys")
    text = gettext_lazy(
        "You get these mails about your own keys, and about those of organizations whose keys you manage."
    )
    button = gettext_lazy("Save")

    def form(self, sent: Any) -> forms.Form:
        return MailsForm(sent, initial={"notifications": self.person.notifications})

    def act(self, values: dict[str, Any]) -> HttpResponse:
        change_own_profile(caller=self.caller, changes=ProfileChanges(**values))
        return self.done(_("Your choice of mails is saved."), "console-profile")
