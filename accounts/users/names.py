"""Cleaning the names that people type, and folding them so that look-alikes count as equal."""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from config.hosts import ascii_domain
from config.logs import holds_credential
from config.wire.errors import Invalid, Sentence

NAME_LENGTH = 100
USERNAME = re.compile(r"[\w.+-]{1,150}")
EMAIL_LENGTH = 254
MOST_FOLDING = 3  # folding may make a name this many times as long; the key columns have room for that

# Unicode's Default_Ignorable_Code_Points: invisible, so two names that differ in them look the same.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def fold(text: str) -> str:
    """Return the form in which `text` must be unique: NFKC, case-folded, nothing invisible (UAX 31)."""
    seen = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", seen.casefold())


def fold_email(text: str) -> str:
    """Return the form in which an e-mail address must be unique. A text without @ counts as a domain.

    Domains are compared as registries compare them (UTS 46, non-transitional): ß differs from ss, and an
    A-label equals its U-label (RFC 5890 section 2.3.2.1).
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
    """An address that cannot receive mail; the text says why."""


def mail_address(stored: str) -> str:
    """Return the address with its domain in A-labels, as SMTP without SMTPUTF8 (RFC 6531) needs it.

    Raises Unmailable if its local part is not ASCII or if IDNA 2008 does not allow its domain.
    """
    local, _, domain = stored.rpartition("@")
    if not local.isascii():
        raise Unmailable("must have only ASCII characters before the @: mail servers accept no others there")
    try:
        name = domain if domain.isascii() else ascii_domain(domain)
        if "xn--" in name.lower():
            idna.decode(name)
    except ValueError:
        raise Unmailable("must have a domain that IDNA 2008 allows") from None
    return f"{local}@{name}"


def check_no_credential(member: str, text: str) -> None:
    """Raise Invalid if `text`, which is stored, shown and logged, contains a key or a token."""
    if holds_credential(text):
        raise Invalid(member, "contains a key or a token: remove it, because this text is stored and shown")


def clean_name(member: str, text: str) -> str:
    """Return a display name without surrounding spaces.

    Raises Invalid if it is empty, too long or unprintable, or if it contains a key or a token.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not fold(name).strip():
        raise Invalid(member, "must not be empty")
    if len(name) > NAME_LENGTH:
        raise Invalid(
            member,
            Sentence(
                "must have at most %(most)d characters, and has %(number)d",
                most=NAME_LENGTH,
                number=len(name),
            ),
        )
    if len(fold(name)) > NAME_LENGTH * MOST_FOLDING:
        raise Invalid(member, "is too long when its ligatures are written out")
    if not name.isprintable():
        raise Invalid(member, "contains a control character")
    check_no_credential(member, name)
    return name


def check_name(text: str) -> None:
    """Raise Invalid, naming `name`, as `clean_name` does."""
    clean_name("name", text)


def clean_username(text: str) -> str:
    """Return a user name. Raises Invalid unless it has 1 to 150 letters, digits or any of . _ + -

    User names cannot contain @, so they cannot look like an e-mail address.
    """
    name = unicodedata.normalize("NFKC", text).strip()
    if not USERNAME.fullmatch(name) or INVISIBLE.search(name):
        raise Invalid("username", "must have 1 to 150 characters: letters, digits or any of . _ + -")
    check_no_credential("username", name)
    return name


def clean_email(text: str, *, member: str = "email") -> str:
    """Return a cleaned e-mail address. Raises Invalid, naming `member`, if `text` is not one."""
    address = unicodedata.normalize("NFKC", text).strip()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid(member, "must be an e-mail address, such as ada@example.org") from None
    if not address.isprintable() or INVISIBLE.search(address):
        raise Invalid(member, "contains a control character or an invisible character")
    if len(address) > EMAIL_LENGTH:
        raise Invalid(member, Sentence("must have at most %(most)d characters", most=EMAIL_LENGTH))
    try:
        mail_address(address)
    except Unmailable as error:
        raise Invalid(member, str(error)) from None
    check_no_credential(member, address)
    return address
