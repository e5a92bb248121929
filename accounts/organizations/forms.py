"""The admin's forms for organizations and their members."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.forms import ChangeForm, RowField
from accounts.models import Membership, Organization, User
from accounts.users import names
from accounts.users.forms import RoleField, _checked


class OrganizationForm(ChangeForm[Organization]):
    class Meta:
        model = Organization
        fields = ("name", "requires_second_factor")
        help_texts = {
            "requires_second_factor": _("Roles here apply only after a login with a second factor.")
        }

    def clean_name(self) -> str:
        name = _checked(names.clean_name, "name", self.cleaned_data["name"])
        others = Organization.objects.exclude(pk=self.instance.pk)
        if others.filter(name_key=names.fold(name)).exists():
            raise forms.ValidationError(gettext("An organization with this name already exists."))
        return name


class OwnerForm(forms.Form):
    """Asks who will own something: a person or an organization. Offers nobody until `offer_rows` does."""

    EITHER = _("Choose either a person or an organization.")

    user = RowField(User.objects.none(), required=False, label=_("Owner (person)"))
    organization = RowField(
        Organization.objects.none(), required=False, label=_("Owner (organization)"), help_text=EITHER
    )


class PlainText(forms.Widget):
    """Shows a value as text, without an input."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return format_html("{}", value)


class SamePerson(forms.Field):
    """The person of an existing membership, which the form shows but does not change."""

    widget = PlainText

    def __init__(self, person: User) -> None:
        super().__init__(disabled=True, required=False, label=gettext("user"))
        self.person = person

    def prepare_value(self, value: Any) -> User:
        return self.person

    def clean(self, value: Any) -> User:
        return self.person


class MembershipForm(ChangeForm[Membership]):
    """A member's role and, for a new member, the person."""

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
            self.fields["role"].widget.attrs["aria-label"] = gettext("Role")


class MembershipFormSet(forms.BaseInlineFormSet[Membership, Organization, forms.ModelForm[Membership]]):
    """Members in a table; its inputs get labels of their own, because screen readers skip table headings."""

    def add_fields(self, form: forms.ModelForm[Membership], index: Any) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = gettext("Remove from the organization")
