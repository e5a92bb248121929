"""/account/security/password: change the password by typing the current one."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mail.link_pages import NewPasswordField
from accounts.passwords.rules import LONGEST
from accounts.users.profile.services import change_own_password
from console.change_page import ChangePage


class CurrentPasswordField(forms.CharField):
    """The person's present password."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "current-password", "data-needed": True})
        super().__init__(max_length=LONGEST, strip=False, widget=widget, **kwargs)


class ChangePasswordForm(forms.Form):
    """The current password and the new one."""

    current_password = CurrentPasswordField(label=gettext_lazy("Current password"))
    new_password = NewPasswordField(label=gettext_lazy("New password"))


class PasswordPage(ChangePage):
    """The form for a new password. This login stays; what else ends is said above the form."""

    section = "security"
    home = "console-security"
    form_class = ChangePasswordForm
    title = gettext_lazy("Change your password")
    text = gettext_lazy("Links that we have mailed to you stop working.")
    button = gettext_lazy("Change password")
    ends_access = True

    def act(self, values: dict[str, Any]) -> HttpResponse:
        current, new = values["current_password"], values["new_password"]
        change_own_password(caller=self.caller, current=current, new=new)
        return self.done(_("Your password is changed."), "console-security")
