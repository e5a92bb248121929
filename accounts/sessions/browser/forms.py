"""The login forms: one for the admin's address, one for all other pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.passwords.rules import LONGEST
from config import profiles

LABELS = {
    ("username",): _("User name"),
    ("email",): _("E-mail address"),
    ("username", "email"): _("User name or e-mail address"),
    ("email", "username"): _("E-mail address or user name"),
}


class LoginForm(forms.Form):
    """Name, password, and a code for people with a second factor."""

    identifier = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username webauthn", "autofocus": True})
    )
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    totp_code = forms.CharField(
        max_length=64,
        required=False,
        label=_("Code, if you have a second factor"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["identifier"].label = LABELS[tuple(profiles.active().login.identifiers)]


class AdminLoginForm(LoginForm):
    """The same fields, with the name that Django's admin gives the first."""

    def add_prefix(self, field_name: str) -> str:
        return super().add_prefix("username" if field_name == "identifier" else field_name)
