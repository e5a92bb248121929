"""The rules for passwords (NIST SP 800-63B-4 section 3.1.1): long, not common, not about the user."""

import string
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from accounts.users.names import fold
from config import profiles
from config.wire.errors import Invalid, Sentence

if TYPE_CHECKING:
    from accounts.models import User

LONGEST = 1024
SHORTEST_WORD = 4
LEAST_PADDING = 3  # a common word with up to this many digits around it is allowed: changeme123


def check_new_password(password: str) -> None:
    """Raise Invalid with every rule that `password` breaks for everybody."""
    check_password_rules(password, None)


def check_password_rules(password: str, user: "User | None", *, member: str = "password") -> None:
    """Raise Invalid, naming `member`, with every rule that `password` breaks for `user`."""
    if len(password) > LONGEST:
        raise Invalid(member, Sentence("must have at most %(most)d characters", most=LONGEST))
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise Invalid(member, "is not valid text: it has half of a UTF-16 pair, or bytes that are not UTF-8")
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise Invalid(member, " ".join(error.messages)) from None


def least_length() -> int:
    """Return how many characters a password must have, by the configuration or else by the profile."""
    return settings.PASSWORD_MIN_LENGTH or profiles.active().login.password_min_length


class LengthValidator:
    """Requires the length that this installation asks for."""

    def validate(self, password: str, user: "User | None" = None) -> None:
        if len(password) < least_length():
            raise ValidationError(
                gettext("It must have at least %(least)d characters, and has %(number)d.")
                % {"least": least_length(), "number": len(password)}
            )

    def get_help_text(self) -> str:
        return gettext("At least %(least)d characters; a sentence is fine.") % {"least": least_length()}


class GuessableValidator(password_validation.CommonPasswordValidator):
    """Refuses passwords that attackers try first: common ones, padded common ones, repetitions and runs.

    Django's twenty thousand common passwords count, and those that this installation adds.
    """

    def validate(self, password: str, user: "User | None" = None) -> None:
        text = fold(password).strip()
        core = text.strip(string.digits + string.punctuation)
        common = self.passwords | _added(tuple(settings.COMMON_PASSWORDS))
        is_padded = core in common and len(text) - len(core) > LEAST_PADDING
        if text in common or is_padded or is_monotonous(text):
            raise ValidationError(
                gettext("It is too easy to guess: a common password, a repetition or a run.")
            )


@lru_cache(maxsize=2)
def _added(lines: tuple[str, ...]) -> frozenset[str]:
    return frozenset(fold(line).strip() for line in lines)


def is_monotonous(text: str) -> bool:
    """Whether `text` repeats its beginning or continues in equal steps: passwordpassword, 123456789012345."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    periods = range(1, len(text) // 2 + 2)
    return len(steps) <= 2 or any(text.startswith(text[period:]) for period in periods)


class PersonalWordsValidator:
    """Refuses passwords that contain the user's name or address, or the product's name (ASVS 6.2.11)."""

    def validate(self, password: str, user: "User | None" = None) -> None:
        words = [profiles.active().product.name]
        if user is not None:
            words += [user.username or "", user.email, user.email.partition("@")[0]]
        text = fold(password)
        if any(len(word) >= SHORTEST_WORD and fold(word) in text for word in words):
            raise ValidationError(
                gettext("It must not contain your user name, your e-mail address or the product's name.")
            )

    def get_help_text(self) -> str:
        return gettext("It must not contain your user name, your e-mail address or the product's name.")
