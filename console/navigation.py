"""The sections of the console, and which of them a person sees."""

from typing import Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.principals import Principal
from config import profiles

Section = Literal["keys", "organizations", "applications", "sessions", "security", "profile", "admin"]


class Entry(NamedTuple):
    """A link of the navigation: its section, the name of its page and its text."""

    section: Section
    page: str
    text: str | Promise


KEYS = Entry("keys", "console-keys", _("API keys"))
ORGANIZATIONS = Entry("organizations", "console-organizations", _("Organizations"))
APPLICATIONS = Entry("applications", "console-applications", _("Connected applications"))
SESSIONS = Entry("sessions", "console-sessions", _("Sessions"))
SECURITY = Entry("security", "console-security", _("Security"))
PROFILE = Entry("profile", "console-profile", _("Profile"))
ADMIN = Entry("admin", "admin:index", _("Administration"))


def navigation(principal: Principal) -> list[Entry]:
    """Return the entries that this person sees."""
    applications = [APPLICATIONS] if profiles.active().oauth2 is not None else []
    admin = [ADMIN] if principal.holds_anything else []
    return [KEYS, ORGANIZATIONS, *applications, SESSIONS, SECURITY, PROFILE, *admin]
