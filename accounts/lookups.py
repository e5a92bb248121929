"""Finding people and organizations by the names that operators type."""

from accounts.models import Organization, User
from accounts.names import fold
from config.errors import Invalid


def user_named(text: str) -> User:
    """Return the user with this user name or e-mail address. Raises Invalid."""
    key = _key("user", text)
    found = User.objects.filter(username_key=key).first() or User.objects.filter(email_key=key).first()
    if found is None:
        raise Invalid("user", f"there is no user {text}")
    return found


def organization_named(text: str) -> Organization:
    """Return the organization with this name. Raises Invalid."""
    found = Organization.objects.filter(name_key=_key("organization", text)).first()
    if found is None:
        raise Invalid("organization", f"there is no organization {text}")
    return found


def _key(member: str, text: str) -> str:
    if not text.isprintable():  # nobody has such a name, and not every database can be asked for it
        raise Invalid(member, "holds a character that no name has")
    return fold(text)
