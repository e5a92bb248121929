"""/change-password: change a password by showing the current one, without a login."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.mail.link_pages import MailedLinkPage, NewPasswordField
from accounts.sessions.browser.forms import LoginForm
from accounts.users.profile import services as profile
from audit.actors import Origin


class ChangePasswordForm(LoginForm):
    """The fields of a login, and the new password."""

    new_password = NewPasswordField(label=_("New password"))
    field_order = ("identifier", "password", "totp_code", "new_password")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = _("Current password")


class ChangePasswordPage(MailedLinkPage):
    """The page for people who know their password.

    Browsers and password managers find it at /.well-known/change-password (W3C, A Well-Known URL for Changing
    Passwords).
    """

    form_class: type[forms.Form] = ChangePasswordForm
    title = _("Change your password")
    text = _("This logs you out everywhere, and connected applications lose access to your account.")
    button = _("Change password")
    done = _("Your password is changed. Log in with the new one.")

    def use(self, values: dict[str, str], origin: Origin) -> None:
        current = {"current_password": values.pop("password")}
        profile.change_password_by_name(**values, **current, origin=origin)
