"""The very first start: an organization and an administrator, once."""

from django.db import transaction

from access.principals import Caller
from accounts.models import Organization, User
from accounts.organizations.services import create_organization
from accounts.users.names import fold
from accounts.users.services import create_user
from config import profiles
from config.wire.errors import Conflict

FIRST_ORGANIZATION = "default"


def is_first_run() -> bool:
    """Whether no account exists yet."""
    return not User.objects.exists()


def create_first_admin(*, caller: Caller, username: str, email: str, password: str) -> User | None:
    """Create the first organization and its administrator. Return None if an account already exists.

    Raises Invalid, naming the member; then nothing is written.
    """
    try:
        with transaction.atomic():
            organization = _first_organization(caller)
            if not is_first_run():
                raise Conflict("username", "an account already exists")
            roles = profiles.active().roles_of_level("organization")
            return create_user(
                caller=caller,
                username=username,
                email=email,
                role=_most_powerful_role(),
                password=password,
                is_superuser=True,
                memberships=[(organization, roles[0])] if roles else [],
            )
    except Conflict:
        return None


def _first_organization(caller: Caller) -> Organization:
    """Return the organization with that name, which an operator may have created already."""
    rows = Organization.objects.select_for_update()  # a second process that starts now waits here
    found = rows.filter(name_key=fold(FIRST_ORGANIZATION)).first()
    return found or create_organization(caller=caller, name=FIRST_ORGANIZATION)


def _most_powerful_role() -> str:
    profile = profiles.active()
    return max(profile.roles_of_level("global"), key=lambda name: _size(profile, name))


def _size(profile: profiles.Profile, role: str) -> int:
    power = profile.power_of_role(role, "global")
    return len(power.capabilities) + len(power.scopes)
