"""Names as people type them: cleaned, and folded so that look-alikes count as the same."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from config.errors import Invalid
from config.logs import holds_credential

NAME_LENGTH = 100
USERNAME = re.compile(r"[\w.+-]{1,150}")
EMAIL_LENGTH = 254
MOST_FOLDING = 3  # how many times as long a folded name may be: the columns of keys are that wide

# Unicode's Default_Ignorable_Code_Points: shown as nothing, so that two names could look the same.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def fold(text: str) -> str:
    """Return the form under which `text` must be unique: NFKC, casefold, nothing invisible (UAX 31)."""
    seen = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", seen.casefold())


def check_no_credential(member: str, text: str) -> None:
    """Raise Invalid if a key or a token stands in `text`, which is stored, shown and logged."""
    if holds_credential(text):
        raise Invalid(member, "holds a key or a token: leave it out, since this text is stored and shown")


def clean_name(member: str, text: str) -> str:
    """Return a display name without blanks around it.

    Raises Invalid if it is empty, long or unprintable, or holds a key or a token.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not fold(name).strip():
        raise Invalid(member, "must not be empty")
    if len(name) > NAME_LENGTH:
        raise Invalid(member, f"has {len(name)} characters, {NAME_LENGTH} are allowed")
    if len(fold(name)) > NAME_LENGTH * MOST_FOLDING:
        raise Invalid(member, "is too long when its ligatures are written out")
    if not name.isprintable():
        raise Invalid(member, "holds a control character")
    check_no_credential(member, name)
    return name


def clean_username(text: str) -> str:
    """Return a user name. Raises Invalid unless it is 1 to 150 letters, digits and . _ + -

    There is no @ in a user name, so that none can pass for somebody's e-mail address.
    """
    name = unicodedata.normalize("NFKC", text).strip()
    if not USERNAME.fullmatch(name) or INVISIBLE.search(name):
        raise Invalid("username", "must be 1 to 150 letters, digits or any of . _ + -")
    check_no_credential("username", name)
    return name


def clean_email(text: str, *, member: str = "email") -> str:
    """Return an e-mail address. Raises Invalid, naming `member`, if it is none."""
    address = unicodedata.normalize("NFKC", text).strip()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid(member, "is not an e-mail address") from None
    if not address.isprintable() or INVISIBLE.search(address):
        raise Invalid(member, "holds a control character or an invisible one")
    if len(address) > EMAIL_LENGTH:
        raise Invalid(member, f"has more than {EMAIL_LENGTH} characters")
    check_no_credential(member, address)
    return address
