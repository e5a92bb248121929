"""What a password must be (NIST SP 800-63B-4 section 3.1.1): long, not common, not about oneself."""

import string
from itertools import pairwise
from typing import TYPE_CHECKING

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from accounts.names import fold
from config import profiles
from config.errors import Invalid

if TYPE_CHECKING:
    from accounts.models import User

LONGEST = 1024
SHORTEST_WORD = 4
LEAST_PADDING = 3  # a product's page logs in with changeme123


def check_password_rules(password: str, user: "User", *, member: str = "password") -> None:
    """Raise Invalid, naming `member`, with every rule that `password` breaks for `user`."""
    if len(password) > LONGEST:
        raise Invalid(member, f"must have at most {LONGEST} characters")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise Invalid(member, "is not text: half of a UTF-16 pair, or bytes that are not UTF-8")
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise Invalid(member, " ".join(error.messages)) from None


class LengthValidator:
    """At least as long as the profile asks."""

    def validate(self, password: str, user: "User | None" = None) -> None:
        least = profiles.active().login.password_min_length
        if len(password) < least:
            raise ValidationError(f"It must have at least {least} characters, and has {len(password)}.")

    def get_help_text(self) -> str:
        return f"At least {profiles.active().login.password_min_length} characters; a sentence is fine."


class GuessableValidator(password_validation.CommonPasswordValidator):
    """Not among the first that attackers try: common ones, with digits around them, repetitions, runs."""

    def validate(self, password: str, user: "User | None" = None) -> None:
        text = fold(password).strip()
        core = text.strip(string.digits + string.punctuation)
        is_padded = core in self.passwords and len(text) - len(core) > LEAST_PADDING
        if text in self.passwords or is_padded or is_monotonous(text):
            raise ValidationError("It is too easy to guess: a common password, a repetition or a run.")


def is_monotonous(text: str) -> bool:
    """Whether `text` repeats its beginning or goes on in steps: passwordpassword, 123456789012345."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    periods = range(1, len(text) // 2 + 2)
    return len(steps) <= 2 or any(text.startswith(text[period:]) for period in periods)


class PersonalWordsValidator:
    """Without the user's name, e-mail address or the product's name in it (ASVS 6.2.11)."""

    def validate(self, password: str, user: "User | None" = None) -> None:
        words = [profiles.active().product.name]
        if user is not None:
            words += [user.username or "", user.email, user.email.partition("@")[0]]
        text = fold(password)
        if any(len(word) >= SHORTEST_WORD and fold(word) in text for word in words):
            raise ValidationError(
                "It must not hold your user name, your e-mail address or the product's name."
            )

    def get_help_text(self) -> str:
        return "Without your user name, your e-mail address or the product's name in it."
