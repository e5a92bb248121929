"""What several admin forms have in common."""

import re
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core import signing
from django.db.models import Model, QuerySet
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from access.backoffice.moments import zone_name
from config.wire import times

FORM_SECONDS = 24 * 3600
MOST_IN_LIST = 20  # rows in one list
EXPIRED = _("This form has expired. Open it again.")
NUMBER = re.compile(r"[0-9]{1,18}")
Row = TypeVar("Row", bound=Model)


class MomentField(forms.DateTimeField):
    """A date and time as browsers send them, or an RFC 3339 timestamp. The label names the time zone."""

    def __init__(self, *, label: StrOrPromise, help_text: StrOrPromise = "") -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        zoned = format_lazy("{} ({})", label, lazy(zone_name, str)())
        super().__init__(required=False, label=zoned, help_text=help_text, widget=widget)

    def to_python(self, value: Any) -> datetime | None:
        named = times.parse(value.strip()) if isinstance(value, str) else None
        return named or super().to_python(value)


class TicketField(forms.CharField):
    """A signed uuid, so that a form that is sent twice does once what it does.

    A form that makes something gives it the uuid: services store that in a unique column, and raise
    IntegrityError if it is there. Other forms claim it (accounts.idempotency.forms).
    """

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(initial=_new_ticket, error_messages={"required": EXPIRED})

    def clean(self, value: Any) -> UUID:
        try:
            return UUID(_signer().unsign(super().clean(value), max_age=FORM_SECONDS))
        except (signing.BadSignature, ValueError):
            raise forms.ValidationError(EXPIRED) from None


def _new_ticket() -> str:
    return _signer().sign(str(uuid4()))


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="ticket of a form")


class RowField(forms.ModelChoiceField[Model]):
    """One row, named by its primary key in ASCII digits: " 1" and "1_0" are not valid choices."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value and not NUMBER.fullmatch(value):
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().to_python(value)


def offer_rows(field: Any, relation: Any, rows: QuerySet[Any]) -> None:
    """Offer a few rows as a list, and many rows through the admin's search.

    `relation` is the foreign key that the field stands for.
    """
    field.queryset = rows
    if rows[: MOST_IN_LIST + 1].count() > MOST_IN_LIST:
        field.widget = AutocompleteSelect(relation, admin.site)
        field.widget.choices = field.choices
        field.widget.is_required = False


class KnowsChanges(forms.BaseForm):
    """A form that sends back the values it showed, and so knows what the person changed.

    Otherwise a page opened earlier would undo what others have changed since. A field sent without the
    value it showed is compared with the current one.
    """

    def send_back(self) -> None:
        """Let the form send back what it shows."""
        for name, field in self.fields.items():
            field.show_hidden_initial = not self.is_bound or self.add_initial_prefix(name) in self.data

    def changes(self) -> dict[str, Any]:
        """Return the values that the person changed, by field name. The form must be valid."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class ChangeForm(KnowsChanges, forms.ModelForm[Row]):
    """Changes an existing row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.send_back()
