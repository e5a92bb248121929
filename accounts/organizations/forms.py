"""The admin's forms for organizations and their members."""

from typing import Any

from django import forms
from django.utils.html import format_html

from access.backoffice.forms import ChangeForm
from accounts.models import Membership, Organization, User
from accounts.users import names
from accounts.users.forms import RoleField, _checked


class OrganizationForm(ChangeForm[Organization]):
    class Meta:
        model = Organization
        fields = ("name", "requires_second_factor")
        help_texts = {"requires_second_factor": "Roles here count only after a login with a second factor."}

    def clean_name(self) -> str:
        name = _checked(names.clean_name, "name", self.cleaned_data["name"])
        others = Organization.objects.exclude(pk=self.instance.pk)
        if others.filter(name_key=names.fold(name)).exists():
            raise forms.ValidationError("There is an organization of this name already.")
        return name


class PlainText(forms.Widget):
    """Shows a value; there is nothing to type into."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return format_html("{}", value)


class SamePerson(forms.Field):
    """The person of an existing membership: shown, never changed."""

    widget = PlainText

    def __init__(self, person: User) -> None:
        super().__init__(disabled=True, required=False, label="user")
        self.person = person

    def prepare_value(self, value: Any) -> User:
        return self.person

    def clean(self, value: Any) -> User:
        return self.person


class MembershipForm(ChangeForm[Membership]):
    """A member's role; also who it is, for a new one."""

    role = RoleField(level="organization")

    class Meta:
        model = Membership
        fields = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "user" in self.fields:
            self.fields["user"] = SamePerson(self.instance.user)
        if "role" in self.fields:
            self.fields["role"].offer(self.instance.role)  # type: ignore[attr-defined]
            self.fields["role"].widget.attrs["aria-label"] = "Role"


class MembershipFormSet(forms.BaseInlineFormSet[Membership, Organization, forms.ModelForm[Membership]]):
    """Members in a table, whose heads are no labels to a screen reader."""

    def add_fields(self, form: forms.ModelForm[Membership], index: Any) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "Take out of the organization"
