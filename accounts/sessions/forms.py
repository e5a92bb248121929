"""The login forms: one for the admin, one for all other pages."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate

from accounts.models import User
from accounts.passwords.rules import LONGEST
from config import profiles
from config.wire.errors import Busy, RecoveryUnderWay, TooManyAttempts, TotpRequired

IDENTIFIERS = {"username": "user name", "email": "e-mail address"}
CODE_MISSING = (
    "Type your password again, and the current code from your authenticator app or a recovery code."
)


class LoginForm(forms.Form):
    """Name, password, and a code for people with a second factor."""

    identifier = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    totp_code = forms.CharField(
        max_length=64,
        required=False,
        label="Code, if you have a second factor",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["identifier"].label = _identifier_label()


def _identifier_label() -> str:
    """Return what people log in with, such as "User name or e-mail address"."""
    names = [IDENTIFIERS[kind] for kind in profiles.active().login.identifiers]
    return " or ".join(names).capitalize()


class AdminLoginForm(AdminAuthenticationForm):
    """The admin's login form: name, password, and a code for people with a second factor.

    `too_many` is the error if there were too many attempts, or if too many passwords are being checked now.
    """

    too_many: Busy | TooManyAttempts | None = None
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "The name, the password or the code is wrong.",
    }

    totp_code = forms.CharField(
        max_length=64,
        required=False,
        label="Code, if you have a second factor",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _identifier_label()

    def clean(self) -> dict[str, Any]:
        """Authenticate as Django does, with the code."""
        cleaned = self.cleaned_data
        if cleaned.get("username") and cleaned.get("password"):
            self.user_cache = self._authenticated(cleaned)
            self.confirm_login_allowed(self.user_cache)
        return cleaned

    def _authenticated(self, cleaned: dict[str, Any]) -> User:
        names = ("username", "password", "totp_code")
        try:
            user = authenticate(self.request, **{name: cleaned.get(name, "") for name in names})
        except TotpRequired:
            raise forms.ValidationError({"totp_code": CODE_MISSING}) from None
        except RecoveryUnderWay as error:
            raise forms.ValidationError(error.detail) from None
        except (Busy, TooManyAttempts) as error:
            self.too_many = error
            raise forms.ValidationError(error.detail) from None
        if not isinstance(user, User):
            raise self.get_invalid_login_error()
        return user
