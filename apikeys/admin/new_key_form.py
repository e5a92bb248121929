"""The admin's form for a new key, whose fields the console's form has, too."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.forms import MomentField, TicketField, offer_rows
from access.principals import Principal
from accounts.models import Organization, User
from accounts.organizations.forms import OwnerForm
from apikeys.admin.forms import WIDE, LimitsForm, NotesForm, say_latest
from apikeys.admin.quota_form import QuotaFields
from apikeys.models import ApiKey
from config import profiles
from config.profiles import Capability
from config.profiles.keys import Attribute, ChoiceAttribute

UNTIL_DATE, FOR_EVER = "date", "never"
DAYS, USUAL_DAYS = {7: _("7 days"), 30: _("30 days"), 90: _("90 days"), 365: _("1 year")}, 90
ATTRIBUTE = "attribute_"  # prefix of the profile's attributes, whose names could clash with other fields


class OwnerlessKeyForm(NotesForm, LimitsForm, QuotaFields):
    """What a new key needs besides its owner. The profile's attributes are fields, too."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=WIDE))
    environment = forms.ChoiceField(label=_("Environment"))
    scopes = forms.MultipleChoiceField(
        required=False,
        label=_("Scopes"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What the key may do. Without scopes it can do nothing."),
    )
    lifetime = forms.ChoiceField(label=_("Expires"), widget=forms.RadioSelect)
    expires_at = MomentField(label=_("Date"))
    ticket = TicketField()

    def __init__(self, principal: Principal, data: Any = None, **initial: Any) -> None:
        super().__init__(data, initial=initial)
        profile = profiles.active()
        fields: dict[str, Any] = self.fields
        fields["environment"].choices = [(name, name) for name in profile.keys.environments]
        fields["environment"].initial = profile.keys.default_environment
        fields["scopes"].choices = [
            (name, format_html("<span><code>{}</code> {}</span>", name, scope.description))
            for name, scope in profile.scopes.items()
            if name in principal.scopes_anywhere
        ]
        if profile.keys.scopes_required:
            fields["scopes"].required, fields["scopes"].help_text = True, gettext("What the key may do.")
        longest = profile.keys.longest_days
        fields["lifetime"].choices = _lifetimes(longest)
        fields["lifetime"].initial = str(min(USUAL_DAYS, longest or USUAL_DAYS))
        say_latest(fields["expires_at"])
        for name, form in profile.keys.attributes.items():
            fields[ATTRIBUTE + name] = _attribute_field(name, form)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "expires_at" in cleaned and (cleaned.get("lifetime") == UNTIL_DATE) != bool(cleaned["expires_at"]):
            self.add_error("expires_at", gettext("Enter a date only if the key expires on a date."))
        return cleaned

    def expiry(self, now: datetime) -> datetime | None:
        """Return when the key expires, None for never. The form must be valid."""
        lifetime, date = self.cleaned_data["lifetime"], self.cleaned_data["expires_at"]
        return date if lifetime in (UNTIL_DATE, FOR_EVER) else now + timedelta(days=int(lifetime))

    def attributes(self) -> dict[str, Any]:
        """Return the profile's attributes from the form, which must be valid."""
        return {name: self.cleaned_data[ATTRIBUTE + name] for name in profiles.active().keys.attributes}


class NewKeyForm(OwnerlessKeyForm, OwnerForm):
    """Creates a key for a person or an organization."""

    required_css_class = "required"
    field_order = (
        "name",
        "description",
        "user",
        "organization",
        "environment",
        "scopes",
        "lifetime",
        "expires_at",
    )

    def __init__(self, principal: Principal, data: Any = None) -> None:
        super().__init__(principal, data, user=principal.user_id)
        fields: dict[str, Any] = self.fields
        offer_rows(fields["user"], ApiKey._meta.get_field("user"), _people(principal))
        offer_rows(fields["organization"], ApiKey._meta.get_field("organization"), _organizations(principal))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if bool(cleaned.get("user")) == bool(cleaned.get("organization")):
            self.add_error("user", self.EITHER)
        return cleaned


def _lifetimes(longest: int | None) -> list[tuple[str, str]]:
    """Return the choices: days up to `longest`, a date, and "never" if `longest` is None."""
    days = {**DAYS, longest: _longest(longest)} if longest else DAYS
    offered = [(str(each), str(words)) for each, words in days.items() if each <= (longest or each)]
    for_ever = [] if longest else [(FOR_EVER, gettext("never"))]
    return [*offered, (UNTIL_DATE, gettext("until the date below")), *for_ever]


def _longest(days: int) -> str:
    words = ngettext("%(days)d day, the longest", "%(days)d days, the longest", days)
    return words % {"days": days}


def _people(principal: Principal) -> Any:
    """Return the people to create keys for: oneself; with power over all keys, everybody one may see."""
    if principal.may(Capability.MANAGE_KEYS) and principal.may_somewhere(Capability.READ_USERS):
        return User.objects.visible_to(principal).filter(is_active=True)
    return User.objects.filter(pk=principal.user_id or 0)


def _organizations(principal: Principal) -> Any:
    reach = principal.reach(Capability.MANAGE_KEYS)
    return (
        Organization.objects.all()
        if reach.everywhere
        else Organization.objects.filter(pk__in=reach.organizations)
    )


def _attribute_field(name: str, form: Attribute) -> forms.Field:
    label = name.replace("_", " ").capitalize()
    if isinstance(form, ChoiceAttribute):
        return forms.ChoiceField(
            label=label,
            help_text=form.description,
            initial=form.default,
            choices=[(each, each) for each in form.choices],
        )
    return forms.BooleanField(label=label, help_text=form.description, initial=form.default, required=False)
