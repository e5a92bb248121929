"""The admin's forms for people."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminEmailInputWidget, AdminTextInputWidget
from django.contrib.auth import password_validation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import add_error
from access.backoffice.errors import said_in_page
from access.backoffice.forms import ChangeForm
from accounts.models import User
from accounts.notifications.kinds import CHOICES, CHOICES_OF_OTHERS
from accounts.passwords.rules import LONGEST, check_password_rules
from accounts.users import names
from accounts.users.preferences import LANGUAGES, clean_own_name, time_zones
from accounts.users.store import check_free
from config import profiles
from config.wire.errors import DomainError

MUST_HAVE_HELP = _("The permissions of the role apply only after a login with a second factor.")
OF_ANOTHER = {"autocomplete": "off"}  # else browsers fill in the administrator's own data
SUPERUSER_HELP = _("May do everything, regardless of the role.")


class RoleField(forms.ChoiceField):
    """A choice of the profile's roles of one level, with their descriptions."""

    def __init__(self, *, level: str) -> None:
        super().__init__(label=_("Role"), choices=lambda: _roles(level))

    def offer(self, role: str) -> None:
        """Put the current value first in the list if it is empty or a role that the profile dropped.

        Otherwise the form would show, and save, the profile's first role.
        """
        known: Any = self.choices
        if not role:
            self.choices = [("", gettext("choose one")), *known]
        elif role not in dict(known):
            self.choices = [
                (
                    role,
                    gettext("%(role)s: not a role of this profile, so it allows nothing") % {"role": role},
                ),
                *known,
            ]


def _roles(level: str) -> list[tuple[str, str]]:
    profile = profiles.active()
    return [(name, f"{name}: {profile.roles[name].description}") for name in profile.roles_of_level(level)]


class LanguageField(forms.ChoiceField):
    """A choice of the languages of pages."""

    def __init__(self) -> None:
        choices = [("", _("as the browser asks")), *LANGUAGES.items()]
        super().__init__(label=_("Language"), choices=choices, required=False)


class TimeZoneField(forms.ChoiceField):
    """A choice of the time zones of pages."""

    def __init__(self) -> None:
        super().__init__(label=_("Time zone"), choices=_time_zones, required=False)


class _ShownChoices(forms.MultipleHiddenInput):
    """The choices that a form showed. If there were none, one empty input says so."""

    def format_value(self, value: Any) -> list[str]:
        return super().format_value(value) or [""]


class _MailsField(forms.MultipleChoiceField):
    hidden_widget = _ShownChoices

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, **options)

    def to_python(self, value: Any) -> list[str]:
        return [kind for kind in super().to_python(value) if kind]


class NotificationsField(_MailsField):
    """A choice of the mails about API keys."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Send me a mail when"),
            choices=list(CHOICES.items()),
            help_text=_("If a key is found where others can read it, a mail says so in any case."),
        )


class MailsOfAnotherField(_MailsField):
    """A choice of those mails that one may choose for somebody else."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Mails about API keys"),
            choices=list(CHOICES_OF_OTHERS.items()),
            help_text=_("Nobody else can turn off the security mails of a person."),
        )


def _time_zones() -> list[tuple[str, str]]:
    return [("", "UTC"), *((name, name.replace("_", " ")) for name in time_zones())]


class UserForm(ChangeForm[User]):
    """Change a person."""

    role = RoleField(level="global")
    language = LanguageField()
    time_zone = TimeZoneField()
    notifications = MailsOfAnotherField()

    class Meta:
        model = User
        fields = (
            "name",
            "language",
            "time_zone",
            "notifications",
            "role",
            "is_active",
            "is_superuser",
            "must_have_second_factor",
        )
        help_texts = {"is_superuser": SUPERUSER_HELP, "must_have_second_factor": MUST_HAVE_HELP}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:  # read-only forms do not have it
            self.fields["role"].offer(self.instance.role)  # type: ignore[attr-defined]
        self.initial["notifications"] = [
            kind for kind in self.instance.notifications if kind in CHOICES_OF_OTHERS
        ]

    def clean_name(self) -> str:
        return _checked(clean_own_name, self.cleaned_data["name"])


class NewUserForm(forms.ModelForm[User]):
    """Add a person."""

    role = RoleField(level="global")
    password = forms.CharField(
        label=_("Password"),
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
        """Show every error that the service would raise beside its field, before the service is called."""
        cleaned = super().clean() or self.cleaned_data
        user = User(username=cleaned.get("username") or None, email=cleaned.get("email", ""))
        checks: dict[str, Callable[[], object]] = {
            "username": lambda: user.username and names.clean_username(user.username),
            "email": lambda: names.clean_email(user.email),
            "name": lambda: clean_own_name(cleaned["name"]),
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


def _checked(check: Any, *values: str) -> str:
    try:
        checked: str = check(*values)
    except DomainError as error:
        raise forms.ValidationError(said_in_page(error)) from None
    return checked
