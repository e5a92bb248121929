"""The admin's forms for people and organizations."""

from typing import Any

from django import forms

from accounts import names
from accounts.models import Membership, Organization, User
from accounts.passwords import LONGEST, check_password_rules
from accounts.services.users import check_free
from config import profiles
from config.admin import add_error
from config.errors import DomainError


def role_choices(level: str) -> list[tuple[str, str]]:
    """The profile's roles of a level with their descriptions."""
    profile = profiles.active()
    return [(name, f"{name}: {profile.roles[name].description}") for name in profile.roles_of_level(level)]


class UserForm(forms.ModelForm[User]):
    """Change a person."""

    role = forms.ChoiceField(choices=lambda: role_choices("global"))

    class Meta:
        model = User
        fields = ("name", "role", "is_active", "is_superuser")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        return _checked(names.clean_name, "name", name) if name else ""


class NewUserForm(forms.ModelForm[User]):
    """Add a person."""

    role = forms.ChoiceField(choices=lambda: role_choices("global"))
    password = forms.CharField(
        max_length=LONGEST, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ("username", "email", "name", "role", "is_superuser")

    def clean(self) -> dict[str, Any]:
        """Say all that the service would refuse, beside the fields, before it is called."""
        cleaned = super().clean() or self.cleaned_data
        user = User(username=cleaned.get("username") or None, email=cleaned.get("email", ""))
        try:
            names.clean_email(user.email)
            if user.username:
                names.clean_username(user.username)
            check_free(user)
            check_password_rules(cleaned.get("password", ""), user)
        except DomainError as error:
            add_error(self, error)
        return cleaned


class OrganizationForm(forms.ModelForm[Organization]):
    class Meta:
        model = Organization
        fields = ("name",)

    def clean_name(self) -> str:
        name = _checked(names.clean_name, "name", self.cleaned_data["name"])
        others = Organization.objects.exclude(pk=self.instance.pk)
        if others.filter(name_key=names.fold(name)).exists():
            raise forms.ValidationError("There is an organization of this name already.")
        return name


class MembershipForm(forms.ModelForm[Membership]):
    role = forms.ChoiceField(choices=lambda: role_choices("organization"))

    class Meta:
        model = Membership
        fields = ("user", "role")


def _checked(check: Any, *values: str) -> str:
    try:
        checked: str = check(*values)
    except DomainError as error:
        raise forms.ValidationError(error.detail) from None
    return checked
