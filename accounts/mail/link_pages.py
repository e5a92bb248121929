"""Keyhouse's own pages behind mailed links. A GET spends no token, because mail programs open links, too."""

import re
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware, method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView
from django_stubs_ext import StrOrPromise

from access.backoffice.base import add_error
from accounts.invitations import accept as acceptance
from accounts.mail import email_confirmation, email_undo, link_tokens, registration
from accounts.mail.messages import link
from accounts.passwords import services as passwords
from accounts.passwords.rules import LONGEST
from accounts.users.names import NAME_LENGTH
from audit.actors import Origin
from config import profiles
from config.wire.errors import DomainError
from config.wire.problems import headers_of

TOKEN = re.compile(rf"[0-9a-f]{{{2 * link_tokens.TOKEN_BYTES}}}")


class NullOriginCsrf(CsrfViewMiddleware):
    """Django's CSRF check for pages with `Referrer-Policy: no-referrer`.

    From those pages browsers send `Origin: null` (Fetch standard, "append a request Origin header"), which
    Django refuses. Here the CSRF token alone decides then.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        is_good: bool = super()._origin_verified(request)  # type: ignore[misc]
        return is_good or request.META["HTTP_ORIGIN"] == "null"


class MailedTokenForm(forms.Form):
    """The token from the link."""

    token = forms.CharField(max_length=link_tokens.LONGEST, widget=forms.HiddenInput)


class NewPasswordField(forms.CharField):
    """A new password, with the rules as its help text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=LONGEST,
            strip=False,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            help_text=password_validation.password_validators_help_text_html,
            **kwargs,
        )


class ResetPasswordForm(MailedTokenForm):
    new_password = NewPasswordField(label=_("New password"))


class ConfirmEmailForm(MailedTokenForm):
    """The form for registrations and changes of address; only registrations need the password."""

    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        required=False,
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_(
            "The password that you registered with. Leave it empty if you already have an account and are "
            "changing its e-mail address."
        ),
    )


class AcceptInvitationForm(MailedTokenForm):
    """The form for invitations; people who have an account leave it empty."""

    name = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        label=_("Your name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("If you already have an account with this e-mail address, leave all fields empty."),
    )
    password = NewPasswordField(required=False, label=_("A new password"))


@method_decorator([csrf_exempt, decorator_from_middleware(NullOriginCsrf)], name="dispatch")
class MailedLinkPage(FormView[Any], ABC):
    """A form that posts the token of a mailed link. Subclasses define what happens with it."""

    http_method_names = ["get", "head", "post"]
    template_name = "mailed_link.html"
    title: StrOrPromise = ""
    text: StrOrPromise = ""
    button: StrOrPromise = ""
    done: StrOrPromise = ""

    def account(self, token: str, now: datetime) -> str:
        """Return the name under which password managers store the password; empty on pages without one."""
        return ""

    @abstractmethod
    def use(self, values: dict[str, str], origin: Origin) -> object:
        """Call the service. Raises DomainError."""

    def get_initial(self) -> dict[str, str]:
        return {"token": self.request.GET.get("token", "")}

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            used = self.use(form.cleaned_data, Origin.of(self.request))
        except DomainError as error:
            add_error(form, error)
            return self.refused(form, error.status, headers_of(error))
        return self.finished(form, used)

    def finished(self, form: forms.Form, used: Any) -> HttpResponse:
        """Answer after success; `used` is what the service returned."""
        return self.render_to_response(self.get_context_data(form=None))

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        return self.refused(form, 400, {})

    def refused(self, form: forms.Form, status: int, headers: dict[str, str]) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status, headers=headers)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = {"title": self.title, "text": self.text, "button": self.button, "done": self.done}
        context = super().get_context_data(product=profiles.active().product.name, **words, **kwargs)
        token = (self.request.POST if self.request.method == "POST" else self.request.GET).get("token", "")
        account = self.account(token, Origin.of(self.request).at) if TOKEN.fullmatch(token) else ""
        return context | {"account": account}

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        """Answer, and keep the page's address, which contains the token, from other sites."""
        response = super().dispatch(*args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


class ResetPasswordPage(MailedLinkPage):
    """/reset-password: set a new password."""

    form_class = ResetPasswordForm
    title = _("New password")
    button = _("Change password")

    def account(self, token: str, now: datetime) -> str:
        return passwords.account_behind(token, now)

    def use(self, values: dict[str, str], origin: Origin) -> str:
        return passwords.reset_password(**values, origin=origin)

    def finished(self, form: forms.Form, used: Any) -> HttpResponse:
        """Redirect to the page on which the owner reviews what the reset did not end."""
        return HttpResponseRedirect(link(reverse("recovery-page"), used))


class ConfirmEmailPage(MailedLinkPage):
    """/confirm-email: finish a registration or a change of address."""

    form_class = ConfirmEmailForm
    title = _("Confirm your e-mail address")
    button = _("Confirm")
    done = _("Your e-mail address is confirmed. Log in with it.")

    def account(self, token: str, now: datetime) -> str:
        return registration.account_behind(token, now)

    def use(self, values: dict[str, str], origin: Origin) -> object:
        return email_confirmation.confirm_email(**values, origin=origin)


class UndoEmailChangePage(MailedLinkPage):
    """/undo-email-change: restore the previous address."""

    form_class = MailedTokenForm
    title = _("Take back your e-mail address")
    text = _(
        "Your account gets this address back. Everybody is logged out of it, connected applications lose "
        "access to it, and its password stops working. We will mail you a link to set a new password."
    )
    button = _("Take the address back")
    done = _("The address is yours again. We have mailed you a link to set a new password.")

    def use(self, values: dict[str, str], origin: Origin) -> object:
        return email_undo.undo_change(**values, origin=origin)


class AcceptInvitationPage(MailedLinkPage):
    """/accept-invitation: become a member. The login of this browser does not matter."""

    form_class = AcceptInvitationForm
    title = _("Accept the invitation")
    button = _("Accept")
    done = _("You are a member now. Log in.")

    def account(self, token: str, now: datetime) -> str:
        return acceptance.account_behind(token, now)

    def use(self, values: dict[str, str], origin: Origin) -> object:
        return acceptance.accept_invitation(**values, origin=origin)
