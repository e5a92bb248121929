"""The pages beside the login page: a forgotten password, and a new account."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from access.backoffice.base import add_error
from access.backoffice.pages import page
from accounts.mail import registration
from accounts.mail.link_pages import NewPasswordField
from accounts.passwords.services import forgot_password
from accounts.users.names import NAME_LENGTH
from audit.actors import Origin
from config.wire.errors import DomainError, NotFound
from config.wire.problems import domain_response, headers_of


def _email() -> forms.CharField:
    widget = forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    return forms.CharField(max_length=254, label=gettext_lazy("E-mail address"), widget=widget)


class ForgotPasswordForm(forms.Form):
    email = _email()


class RegistrationForm(forms.Form):
    """What a new account needs."""

    email = _email()
    name = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        label=gettext_lazy("Your name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = NewPasswordField(label=gettext_lazy("Password"))


class EntryPage(View):
    """A form for visitors without a login, which mails a link whether or not the address has an account."""

    http_method_names = ["get", "head", "post"]
    form_class: ClassVar[type[forms.Form]]
    use: ClassVar[Callable[..., None]]
    title: ClassVar[Promise]
    text: ClassVar[Promise]
    button: ClassVar[Promise]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(form=self.form_class())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._page(form=form, status=400)
        try:
            type(self).use(**form.cleaned_data, origin=Origin.of(request))
        except DomainError as error:
            add_error(form, error)
            return self._page(form=form, status=error.status, headers=headers_of(error))
        return self._page(form=None)

    def _page(self, **how: Any) -> HttpResponse:
        words: dict[str, Any] = {"title": self.title, "text": self.text, "button": self.button}
        done = _("If this address can be used here, we have mailed a link to it. Open your mail.")
        return page(self.request, "account/entry.html", done=done, **words, **how)


class ForgotPasswordPage(EntryPage):
    """/account/forgot-password: ask for a link that sets a new password."""

    form_class = ForgotPasswordForm
    use = forgot_password
    title = gettext_lazy("Forgot your password?")
    text = gettext_lazy("Type the e-mail address of your account. We mail you a link to set a new password.")
    button = gettext_lazy("Mail me a link")


class RegisterPage(EntryPage):
    """/account/register: ask for an account, if the profile lets people register."""

    form_class = RegistrationForm
    use = registration.register
    title = gettext_lazy("Create an account")
    text = gettext_lazy("We mail you a link to confirm your address.")
    button = gettext_lazy("Create account")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            registration.check_open()
        except NotFound as closed:
            return domain_response(closed)
        return super().dispatch(request, *args, **kwargs)
