"""Names as people type them: cleaned, and folded so that look-alikes count as the same."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from config.errors import Invalid

NAME_LENGTH = 100
USERNAME = re.compile(r"[\w.+-]{1,150}")
EMAIL_LENGTH = 254


def fold(text: str) -> str:
    """Return the form under which `text` must be unique: NFKC, then casefold, then NFKC again."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def clean_name(member: str, text: str) -> str:
    """Return a display name without blanks around it. Raises Invalid if it is empty, long or unprintable."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise Invalid(member, "must not be empty")
    if len(name) > NAME_LENGTH:
        raise Invalid(member, f"has {len(name)} characters, {NAME_LENGTH} are allowed")
    if not name.isprintable():
        raise Invalid(member, "holds a control character")
    return name


def clean_username(text: str) -> str:
    """Return a user name. Raises Invalid unless it is 1 to 150 letters, digits and . _ + -

    There is no @ in a user name, so that none can pass for somebody's e-mail address.
    """
    name = unicodedata.normalize("NFKC", text).strip()
    if not USERNAME.fullmatch(name):
        raise Invalid("username", "must be 1 to 150 letters, digits or any of . _ + -")
    return name


def clean_email(text: str) -> str:
    """Return an e-mail address. Raises Invalid if it is none."""
    address = unicodedata.normalize("NFKC", text).strip()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid("email", "is not an e-mail address") from None
    if len(address) > EMAIL_LENGTH:
        raise Invalid("email", f"has more than {EMAIL_LENGTH} characters")
    return address
