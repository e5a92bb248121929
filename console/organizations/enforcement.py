"""Whether members must log in with the organization's identity provider, and who is excepted."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config import profiles
from config.profiles import Capability
from console.base import FormPage
from console.organizations.provider import ProviderPart
from federation.services.enforcing import set_enforcement

MOST_SHOWN = 100  # members who may manage the organization


class SeenField(forms.MultipleChoiceField):
    """The choices that were marked when the page was made, without those that no longer exist."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[str]:
        return [each for each in value or () if self.valid_value(each)]


class EnforcementForm(forms.Form):
    """Whether the provider is required, and the members who are excepted."""

    required = forms.BooleanField(
        required=False,
        label=gettext_lazy("Require the identity provider"),
        help_text=gettext_lazy("Own passwords and passkeys of members do not count here."),
    )
    excepted = forms.TypedMultipleChoiceField(
        required=False,
        label=gettext_lazy("Except"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("They get in when the provider does not work: their passwords count here."),
    )
    seen = SeenField(required=False)


class EnforcementPage(FormPage, ProviderPart):
    """Requires the identity provider, or allows own logins again."""

    template = "organizations/provider_require.html"
    needs_fresh_login = True

    def form(self, sent: Any) -> forms.Form:
        self.existing()
        managing = profiles.active().roles_with(Capability.MANAGE_ORGANIZATIONS, "organization")
        offered = Q(role__in=managing) | Q(keeps_own_login=True)
        members = self.organization.memberships.filter(offered).select_related("user")
        rows = list(members.order_by("-keeps_own_login", "pk")[:MOST_SHOWN])
        shown = [str(each.user.uuid) for each in rows if each.keeps_own_login]
        required = self.organization.requires_provider
        form = EnforcementForm(sent, initial={"required": required, "excepted": shown, "seen": shown})
        for name in ("excepted", "seen"):
            field: Any = form.fields[name]
            field.choices = [(str(each.user.uuid), str(each.user)) for each in rows]
        if not rows:
            del form.fields["excepted"]
        return form

    def act(self, values: dict[str, Any]) -> HttpResponse:
        excepted, seen = ({UUID(each) for each in values.get(name, ())} for name in ("excepted", "seen"))
        ended = set_enforcement(
            caller=self.caller,
            organization=self.organization,
            required=values["required"],
            excepted=excepted,
            seen=seen,
        )
        if not values["required"]:
            return self.said(_("Members log in with their own passwords and passkeys again."))
        text = ngettext(
            "The provider is required. %(number)d login has ended.",
            "The provider is required. %(number)d logins have ended.",
            ended,
        )
        return self.said(text % {"number": ended})
