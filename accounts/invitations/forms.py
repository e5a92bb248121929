"""The admin's form for invitations."""

from typing import Any

from django import forms

from accounts.models import Invitation
from accounts.users import names
from accounts.users.forms import RoleField, _checked


class InvitationForm(forms.ModelForm[Invitation]):
    """Invite a person. The service checks what the form cannot."""

    role = RoleField(level="organization")

    class Meta:
        model = Invitation
        fields = ("organization", "email", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            self.fields["role"].offer("")  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        return _checked(names.clean_email, self.cleaned_data["email"])
