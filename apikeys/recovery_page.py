"""/recovery: after a password was reset by mail, the owner reviews the API keys that still work."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.utils import timezone

from accounts.pages import MailedLinkPage, MailedTokenForm
from apikeys.services.key_review import SUSPECT_DAYS, review, revoke_reviewed
from audit.actors import Origin
from config.errors import Invalid


class SelectedKeys(forms.TypedMultipleChoiceField):
    """Ids of keys. Which of them are under review is for the service to say."""

    def valid_value(self, value: str) -> bool:
        return True


class RevocationForm(MailedTokenForm):
    """Which of the reviewed keys the owner wants to have revoked."""

    keys = SelectedKeys(coerce=UUID, error_messages={"required": "Select the keys that should stop working."})


class RecoveryPage(MailedLinkPage):
    """The owner's usable keys, and a button that revokes the selected ones."""

    form_class = RevocationForm
    template_name = "recovery.html"
    title = "Review your API keys"
    button = "Revoke the selected keys"

    def use(self, values: dict[str, Any], origin: Origin) -> int:
        return revoke_reviewed(token=values["token"], selected=values["keys"], origin=origin)

    def finished(self, form: forms.Form, used: int) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, revoked=used))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(days=SUSPECT_DAYS, **kwargs)
        form = context["form"]
        token = form.data.get("token", "") if form.is_bound else form.initial["token"]
        try:
            return context | {"token": token, "review": review(token=token, now=timezone.now())}
        except Invalid as error:
            return context | {"refused": error.errors["token"]}
