"""Names as people type them: cleaned, and folded so that look-alikes count as the same."""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from config.hosts import ascii_domain
from config.logs import holds_credential
from config.wire.errors import Invalid

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


def fold_email(text: str) -> str:
    """Return the form under which an e-mail address must be unique; of a text without @, of a domain.

    Domains are compared as registries compare them, by UTS 46, non-transitional: ß is not ss, and an A-label
    is the same as its U-label (RFC 5890 section 2.3.2.1).
    """
    seen = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    local, at, domain = seen.rpartition("@")
    return f"{fold(local)}{at}{_fold_domain(domain)}"


def _fold_domain(domain: str) -> str:
    if len(domain) > EMAIL_LENGTH:
        return fold(domain)
    try:
        name = ascii_domain(domain)
        return idna.decode(name) if "xn--" in name else name
    except ValueError:  # IDNA 2008 does not allow it
        return fold(domain)


class Unmailable(ValueError):
    """An address that no mail can be sent to; the text says why."""


def mail_address(stored: str) -> str:
    """Return an address as SMTP without SMTPUTF8 (RFC 6531) takes it: its domain in A-labels, ß not as ss.

    Raises Unmailable if its local part is not ASCII, or if IDNA 2008 does not allow its domain.
    """
    local, _, domain = stored.rpartition("@")
    if not local.isascii():
        raise Unmailable("must have only ASCII before the @: mail servers do not take other letters there")
    try:
        name = domain if domain.isascii() else ascii_domain(domain)
        if "xn--" in name.lower():
            idna.decode(name)
    except ValueError:
        raise Unmailable("must have a domain that IDNA 2008 allows") from None
    return f"{local}@{name}"


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
    try:
        mail_address(address)
    except Unmailable as error:
        raise Invalid(member, str(error)) from None
    check_no_credential(member, address)
    return address
