"""/admin/second-factor/: add or remove an authenticator app, and replace the recovery codes."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from access.backoffice.base import add_error
from access.callers import principal_in
from access.principals import Caller
from accounts.models import SecondFactor, User
from accounts.passwords.rules import LONGEST
from accounts.second_factor import services as second_factor
from audit.actors import Origin
from config.wire.errors import DomainError


class CodeForm(forms.Form):
    """A code from the app."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "class": "vTextField"}),
    )


class PasswordForm(forms.Form):
    """The password again."""

    password = forms.CharField(
        label=_("Password"),
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "vTextField"}),
    )


class ProofForm(CodeForm, PasswordForm):
    """The password again, and a code from the app or a recovery code."""


FORMS: dict[str, type[forms.Form]] = {
    "begin": PasswordForm,
    "confirm": CodeForm,
    "replace": ProofForm,
    "remove": ProofForm,
}


class SecondFactorPage(View):
    """One page with a form for each action that is possible now. Each action is one service call."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        return self._page(request, context)

    def post(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        action = request.POST.get("action", "")
        if action not in FORMS:
            return self._page(request, context)
        form = FORMS[action](request.POST, prefix=action)
        if form.is_valid():
            caller = Caller(principal_in(request), Origin.of(request))
            try:
                context |= getattr(self, f"_{action}")(request, caller, form.cleaned_data)
                return self._page(request, context)
            except DomainError as error:
                add_error(form, error)
        return self._page(request, context, **{action: form})

    def _begin(self, request: HttpRequest, caller: Caller, sent: dict[str, str]) -> dict[str, Any]:
        return {"enrolment": second_factor.begin_enrolment(caller=caller, **sent)}

    def _confirm(self, request: HttpRequest, caller: Caller, sent: dict[str, str]) -> dict[str, Any]:
        return {"recovery_codes": second_factor.confirm_enrolment(caller=caller, **sent)}

    def _replace(self, request: HttpRequest, caller: Caller, sent: dict[str, str]) -> dict[str, Any]:
        return {"recovery_codes": second_factor.replace_recovery_codes(caller=caller, **sent)}

    def _remove(self, request: HttpRequest, caller: Caller, sent: dict[str, str]) -> dict[str, Any]:
        second_factor.remove_own_second_factor(caller=caller, **sent)
        return {"removed": True}

    def _page(self, request: HttpRequest, context: dict[str, Any], **sent: forms.Form) -> HttpResponse:
        """Return the page with empty forms, except for the refused form in `sent`."""
        device = SecondFactor.objects.filter(user=self._person(request)).first()
        shown = {f"{name}_form": sent.get(name) or form(prefix=name) for name, form in FORMS.items()}
        state = {"title": gettext("Second factor"), "device": device, **shown}
        response = TemplateResponse(request, "admin/second_factor.html", context | state)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _person(self, request: HttpRequest) -> User:
        return User.objects.get(pk=principal_in(request).user_id or 0)
