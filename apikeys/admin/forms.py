"""The admin's forms for keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.confirmation import ConfirmForm
from access.backoffice.errors import translated
from access.backoffice.forms import ChangeForm, MomentField
from access.backoffice.moments import said_at
from access.key_limits import Limits, Rate, clean_networks, clean_rate
from accounts.users.names import clean_name
from apikeys.attributes import clean_description, clean_metadata, in_lines, read_pairs
from apikeys.durations import parse_duration, parse_rate
from apikeys.models import ApiKey
from apikeys.services.api_keys import latest_expiry
from apikeys.services.revocation import REASON_LENGTH
from apikeys.services.rotation import check_can_wait
from config import profiles
from config.wire.errors import DomainError

WIDE = {"class": "vTextField"}
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
    when_quiet = forms.BooleanField(
        required=False,
        label=_("Finish when the old key is quiet"),
        help_text=_(
            "The old key ends by itself once the new one was used and the old one is not used any more."
        ),
    )
    expires_at = MomentField(label=_("Expires"), help_text=_("Expiry of the new key. Empty: never."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say_latest(self.fields["expires_at"])
        if profiles.active().rotation.quiet_hours is None:
            del self.fields["when_quiet"]

    def clean_overlap(self) -> timedelta:
        text = self.cleaned_data["overlap"]
        return parse_duration("overlap", text) if text else timedelta()

    def clean_when_quiet(self) -> bool:
        if wanted := bool(self.cleaned_data["when_quiet"]) and "overlap" in self.cleaned_data:
            said_in_form(check_can_wait, self.cleaned_data["overlap"])
        return wanted


def say_latest(field: forms.Field) -> None:
    """Show the latest expiry, if the profile has a limit."""
    latest = latest_expiry(timezone.now())
    if latest is not None:
        field.help_text = gettext("Not after %(time)s.") % {"time": said_at(latest)}
