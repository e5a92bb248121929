"""The admin's forms for keys."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

from django import forms
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.confirmation import ConfirmForm
from access.backoffice.errors import translated
from access.backoffice.forms import ChangeForm, MomentField, offer_rows
from access.backoffice.moments import said_at
from access.key_limits import Limits, Rate, clean_networks, clean_rate
from access.principals import Principal
from accounts.models import Organization, User
from accounts.organizations.forms import OwnerForm
from accounts.users.names import clean_name
from apikeys.attributes import clean_description, clean_metadata, in_lines, read_pairs
from apikeys.durations import parse_duration, parse_rate
from apikeys.models import ApiKey
from apikeys.services.api_keys import latest_expiry
from apikeys.services.revocation import REASON_LENGTH
from config import profiles
from config.profiles import Capability
from config.profiles.schema import Attribute, ChoiceAttribute
from config.wire.errors import DomainError

FORM_SECONDS = 24 * 3600
WIDE = {"class": "vTextField"}
UNTIL_DATE, FOR_EVER = "date", "never"
DAYS, USUAL_DAYS = {30: _("30 days"), 90: _("90 days"), 365: _("1 year")}, 90
ATTRIBUTE = "attribute_"  # prefix of the profile's attributes, whose names could clash with other fields
P = ParamSpec("P")
T = TypeVar("T")


class NotesForm(forms.Form):
    """The description and the metadata of a key. The services validate them again."""

    description = forms.CharField(
        required=False,
        label=_("Description"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 50}),
        help_text=_("What the key is for."),
    )
    metadata = forms.CharField(
        required=False,
        label=_("Metadata"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 50}),
        help_text=_("One pair per line, such as team=operations. Keyhouse stores pairs for your programs."),
    )

    def clean_description(self) -> str:
        return said_in_form(clean_description, self.cleaned_data["description"])

    def clean_metadata(self) -> dict[str, str]:
        return said_in_form(clean_metadata, said_in_form(_pairs_in, self.cleaned_data["metadata"]))


class LimitsForm(forms.Form):
    """The networks and the rate limit of a key. The services validate them again."""

    allowed_networks = forms.CharField(
        required=False,
        label=_("Allowed networks"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 50}),
        help_text=_("One address or network per line, such as 192.0.2.0/24. Empty: every address."),
    )
    rate_limit = forms.CharField(
        required=False,
        label=_("Rate limit"),
        max_length=32,
        help_text=_("Requests per time, such as 100/60s or 5000/1h. Empty: no limit."),
    )

    def clean_allowed_networks(self) -> list[str]:
        texts = [line.strip() for line in self.cleaned_data["allowed_networks"].splitlines()]
        return said_in_form(clean_networks, [text for text in texts if text], Limits())

    def clean_rate_limit(self) -> Rate | None:
        text = self.cleaned_data["rate_limit"].strip()
        return (
            said_in_form(clean_rate, said_in_form(parse_rate, "rate_limit", text), Limits()) if text else None
        )


def _pairs_in(text: str) -> dict[str, str]:
    """Return the pairs in the lines of a field. Raises Invalid."""
    return read_pairs("metadata", (line for line in text.splitlines() if line.strip()))


def said_in_form(clean: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `clean` returns; show its error beside the field."""
    try:
        return clean(*args, **kwargs)
    except DomainError as error:
        said = " ".join(translated(reason) for reason in error.errors.values())
        raise forms.ValidationError(said or translated(error.detail)) from None


class KeyForm(NotesForm, LimitsForm, ChangeForm[ApiKey]):
    """The settings of a key that people can change."""

    class Meta:
        model = ApiKey
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["description"] = self.instance.description
        self.initial["metadata"] = in_lines(self.instance.metadata)
        self.initial["allowed_networks"] = "\n".join(self.instance.allowed_networks)
        self.initial["rate_limit"] = str(self.instance.rate_limit or "")

    def clean_name(self) -> str:
        return said_in_form(clean_name, "name", self.cleaned_data["name"])

    def changes(self) -> dict[str, Any]:
        """Return the values that the person changed; of metadata, the pairs."""
        changes = super().changes()
        if "metadata" in changes:
            shown, now = self._shown_pairs(), changes["metadata"]
            removed = {name: None for name in shown if name not in now}
            changes["metadata"] = removed | {name: now[name] for name in now if now[name] != shown.get(name)}
        return changes

    def _shown_pairs(self) -> dict[str, str]:
        shown = self.data.get(self.add_initial_prefix("metadata"), self.initial["metadata"])
        return _pairs_in(shown)


class NewKeyForm(NotesForm, LimitsForm, OwnerForm):
    """Creates a key. `ticket` is the signed uuid of the new key, so that a form creates only one."""

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
    ticket = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, principal: Principal, data: Any = None) -> None:
        super().__init__(data, initial={"ticket": new_ticket(), "user": principal.user_id})
        profile = profiles.active()
        fields: dict[str, Any] = self.fields
        offer_rows(fields["user"], ApiKey._meta.get_field("user"), _people(principal))
        offer_rows(fields["organization"], ApiKey._meta.get_field("organization"), _organizations(principal))
        fields["environment"].choices = [(name, name) for name in profile.keys.environments]
        fields["environment"].initial = profile.keys.default_environment
        fields["scopes"].choices = [
            (name, f"{name}: {scope.description}")
            for name, scope in profile.scopes.items()
            if name in principal.scopes_anywhere
        ]
        if profile.keys.scopes_required:
            fields["scopes"].required, fields["scopes"].help_text = True, gettext("What the key may do.")
        longest = profile.keys.longest_days
        fields["lifetime"].choices = _lifetimes(longest)
        fields["lifetime"].initial = str(min(USUAL_DAYS, longest or USUAL_DAYS))
        _say_latest(fields["expires_at"])
        for name, form in profile.keys.attributes.items():
            fields[ATTRIBUTE + name] = _attribute_field(name, form)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("user")) == bool(cleaned.get("organization")):
            self.add_error("user", self.EITHER)
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

    def clean_ticket(self) -> UUID:
        try:
            return UUID(_signer().unsign(self.cleaned_data["ticket"], max_age=FORM_SECONDS))
        except (signing.BadSignature, ValueError):
            raise forms.ValidationError(gettext("This form has expired. Open it again.")) from None


class RevokeForm(ConfirmForm):
    """Asks why the keys are revoked."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs=WIDE),
        help_text=_("Recorded in the audit log."),
    )


class RotateForm(ConfirmForm):
    """Asks how long the old key stays valid, and when the new one expires."""

    overlap = forms.ChoiceField(
        choices=[
            ("", _("none: the old key is revoked now")),
            ("1h", _("1 hour")),
            ("24h", _("1 day")),
            ("7d", _("7 days")),
        ],
        required=False,
        label=_("Overlap"),
        help_text=_("How long the old key stays valid."),
    )
    expires_at = MomentField(label=_("Expires"), help_text=_("Expiry of the new key. Empty: never."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_latest(self.fields["expires_at"])

    def clean_overlap(self) -> timedelta:
        text = self.cleaned_data["overlap"]
        return parse_duration("overlap", text) if text else timedelta()


def _lifetimes(longest: int | None) -> list[tuple[str, str]]:
    """Return the choices: days up to `longest`, a date, and "never" if `longest` is None."""
    days = {**DAYS, longest: _longest(longest)} if longest else DAYS
    offered = [(str(each), str(words)) for each, words in days.items() if each <= (longest or each)]
    for_ever = [] if longest else [(FOR_EVER, gettext("never"))]
    return [*offered, (UNTIL_DATE, gettext("until the date below")), *for_ever]


def _longest(days: int) -> str:
    words = ngettext("%(days)d day, the longest", "%(days)d days, the longest", days)
    return words % {"days": days}


def _say_latest(field: forms.Field) -> None:
    """Show the latest expiry, if the profile has a limit."""
    latest = latest_expiry(timezone.now())
    if latest is not None:
        field.help_text = gettext("Not after %(time)s.") % {"time": said_at(latest)}


def new_ticket() -> str:
    return _signer().sign(str(uuid4()))


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="new key form")


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
