"""/recovery: after a password reset by mail, the owner reviews API keys and reports a lost second factor."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.backoffice.errors import translated
from accounts.mail.link_pages import MailedLinkPage, MailedTokenForm
from accounts.second_factor.recovery import prospect_of, start_recovery
from apikeys.review.services import SUSPECT_DAYS, review, revoke_reviewed
from audit.actors import Origin
from config.wire.errors import Invalid


class SelectedKeys(forms.TypedMultipleChoiceField):
    """Ids of keys. The service checks that the keys are under review."""

    def valid_value(self, value: str) -> bool:
        return True


class RevocationForm(MailedTokenForm):
    """The reviewed keys that the owner wants to revoke."""

    keys = SelectedKeys(
        coerce=UUID, error_messages={"required": _("Select the keys that should stop working.")}
    )


class RecoveryPage(MailedLinkPage):
    """A page where the owner revokes keys, or has a lost second factor removed."""

    template_name = "recovery.html"
    title = _("Your account after the reset")

    def get_form_class(self) -> type[forms.Form]:
        return MailedTokenForm if "second_factor" in self.request.POST else RevocationForm

    def use(self, values: dict[str, Any], origin: Origin) -> dict[str, Any]:
        if "keys" in values:
            revoked = revoke_reviewed(token=values["token"], selected=values["keys"], origin=origin)
            return {"revoked": revoked}
        start_recovery(token=values["token"], origin=origin)
        return {}

    def finished(self, form: forms.Form, used: dict[str, Any]) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, **used))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        form = context["form"]
        token = form.data.get("token", "") if form.is_bound else form.initial["token"]
        try:
            found = review(token=token, now=timezone.now())
        except Invalid as error:
            return context | {"refused": translated(error.errors["token"])}
        return context | {
            "token": token,
            "review": found,
            "days": SUSPECT_DAYS,
            "second_factor": prospect_of(found.user),
        }
