"""What several forms of the admin have in common."""

from datetime import datetime
from typing import Any, TypeVar

from django import forms
from django.db.models import Model

from config import times

Row = TypeVar("Row", bound=Model)


class MomentField(forms.DateTimeField):
    """A date and a time as browsers send them, in UTC, or an RFC 3339 timestamp."""

    def to_python(self, value: Any) -> datetime | None:
        named = times.parse(value.strip()) if isinstance(value, str) else None
        return named or super().to_python(value)


class ChangeForm(forms.ModelForm[Row]):
    """A form of a row that there is. It sends along what it showed, and so knows what was changed on it.

    Otherwise a page that was open before would undo what others have changed since. A field that came
    without what it showed is compared with the row as it is now.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name, field in self.fields.items():
                field.show_hidden_initial = not self.is_bound or self.add_initial_prefix(name) in self.data

    def changes(self) -> dict[str, Any]:
        """What whoever sent the form changed on it, by the names of the fields. For a valid form."""
        return {name: self.cleaned_data[name] for name in self.changed_data}
