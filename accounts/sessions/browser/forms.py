"""The login forms: one for the admin's address, one for all other pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.passwords.rules import LONGEST
from config import profiles

IDENTIFIERS = {"username": "user name", "email": "e-mail address"}


class LoginForm(forms.Form):
    """Name, password, and a code for people with a second factor."""

    identifier = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username webauthn", "autofocus": True})
    )
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
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
        self.fields["identifier"].label = _identifier_label()


def _identifier_label() -> str:
    """Return what people log in with, such as "User name or e-mail address"."""
    names = [IDENTIFIERS[kind] for kind in profiles.active().login.identifiers]
    return " or ".join(names).capitalize()


class AdminLoginForm(LoginForm):
    """The same fields, with the name that Django's admin gives the first."""

    def add_prefix(self, field_name: str) -> str:
        return super().add_prefix("username" if field_name == "identifier" else field_name)
