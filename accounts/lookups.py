"""Finding people and organizations by the names that operators type."""

from accounts.models import Organization, User
from accounts.names import fold
from config.errors import Invalid


def user_named(text: str) -> User:
    """Return the user with this user name or e-mail address. Raises Invalid."""
    key = fold(text)
    found = User.objects.filter(username_key=key).first() or User.objects.filter(email_key=key).first()
    if found is None:
        raise Invalid("user", f"there is no user {text}")
    return found


def organization_named(text: str) -> Organization:
    """Return the organization with this name. Raises Invalid."""
    found = Organization.objects.filter(name_key=fold(text)).first()
    if found is None:
        raise Invalid("organization", f"there is no organization {text}")
    return found
