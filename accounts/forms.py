"""The admin's forms for people and organizations."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.widgets import AdminEmailInputWidget, AdminTextInputWidget
from django.contrib.auth import authenticate, password_validation
from django.utils.html import format_html

from access.backoffice.base import add_error
from access.backoffice.forms import ChangeForm
from accounts import names
from accounts.models import Invitation, Membership, Organization, User
from accounts.passwords import LONGEST, check_password_rules
from accounts.services.user_rows import check_free
from config import profiles
from config.wire.errors import DomainError, RecoveryUnderWay, TooManyAttempts, TotpRequired

CODE_MISSING = (
    "Type the password again, and the present code of your authenticator app, or one of your recovery codes."
)
MUST_HAVE_HELP = "What the role allows counts only after a login with a second factor."
OF_ANOTHER = {"autocomplete": "off"}  # person; browsers would fill in the administrator
SUPERUSER_HELP = "May do everything, whatever the role."


class LoginForm(AdminAuthenticationForm):
    """Name, password, and a code for those who have a second factor.

    `too_many` is why it was not looked at, if there were too many attempts before.
    """

    too_many: TooManyAttempts | None = None

    totp_code = forms.CharField(
        max_length=64,
        required=False,
        label="Code, if you have a second factor",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        """Django's, with the code."""
        cleaned = self.cleaned_data
        if cleaned.get("username") and cleaned.get("password"):
            self.user_cache = self._authenticated(cleaned)
            self.confirm_login_allowed(self.user_cache)
        return cleaned

    def _authenticated(self, cleaned: dict[str, Any]) -> User:
        names = ("username", "password", "totp_code")
        try:
            user = authenticate(self.request, **{name: cleaned.get(name, "") for name in names})
        except TotpRequired:
            raise forms.ValidationError({"totp_code": CODE_MISSING}) from None
        except RecoveryUnderWay as error:
            raise forms.ValidationError(error.detail) from None
        except TooManyAttempts as error:
            self.too_many = error
            raise forms.ValidationError(error.detail) from None
        if not isinstance(user, User):
            raise self.get_invalid_login_error()
        return user


class RoleField(forms.ChoiceField):
    """The profile's roles of a level, with their descriptions."""

    def __init__(self, *, level: str) -> None:
        super().__init__(choices=lambda: _roles(level))

    def offer(self, role: str) -> None:
        """Offer first what stands there now: nothing yet, or a role that the profile has dropped.

        Without that the form would show, and save, the profile's first role.
        """
        known: Any = self.choices
        if not role:
            self.choices = [("", "choose one"), *known]
        elif role not in dict(known):
            self.choices = [(role, f"{role}: not a role of this profile, allows nothing"), *known]


def _roles(level: str) -> list[tuple[str, str]]:
    profile = profiles.active()
    return [(name, f"{name}: {profile.roles[name].description}") for name in profile.roles_of_level(level)]


class UserForm(ChangeForm[User]):
    """Change a person."""

    role = RoleField(level="global")

    class Meta:
        model = User
        fields = ("name", "role", "is_active", "is_superuser", "must_have_second_factor")
        help_texts = {"is_superuser": SUPERUSER_HELP, "must_have_second_factor": MUST_HAVE_HELP}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:  # not there for those who may only look
            self.fields["role"].offer(self.instance.role)  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        return _checked(names.clean_name, "name", name) if name else ""


class NewUserForm(forms.ModelForm[User]):
    """Add a person."""

    role = RoleField(level="global")
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validation.password_validators_help_text_html(),
    )

    class Meta:
        model = User
        fields = ("username", "email", "name", "role", "is_superuser")
        help_texts = {"is_superuser": SUPERUSER_HELP}
        widgets = {
            "username": AdminTextInputWidget(attrs=OF_ANOTHER),
            "email": AdminEmailInputWidget(attrs=OF_ANOTHER),
            "name": AdminTextInputWidget(attrs=OF_ANOTHER),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].offer("")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Say all that the service would refuse, beside the fields, before it is called."""
        cleaned = super().clean() or self.cleaned_data
        user = User(username=cleaned.get("username") or None, email=cleaned.get("email", ""))
        checks: dict[str, Callable[[], object]] = {
            "username": lambda: user.username and names.clean_username(user.username),
            "email": lambda: names.clean_email(user.email),
            "name": lambda: cleaned["name"] and names.clean_name("name", cleaned["name"]),
            "password": lambda: check_password_rules(cleaned["password"], user),
        }
        for member in checks.keys() & cleaned.keys():
            self._try(checks[member])
        if not self.errors:
            self._try(lambda: check_free(user))
        return cleaned

    def _try(self, check: Callable[[], object]) -> None:
        try:
            check()
        except DomainError as error:
            add_error(self, error)


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
    """The person of a membership that there is already: shown, never changed."""

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


class InvitationForm(forms.ModelForm[Invitation]):
    """Invite somebody. What the form cannot know, the service says."""

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


def _checked(check: Any, *values: str) -> str:
    try:
        checked: str = check(*values)
    except DomainError as error:
        raise forms.ValidationError(error.detail) from None
    return checked
