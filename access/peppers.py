"""The numbered peppers of this installation: each stored HMAC is made with one of them."""

from typing import NamedTuple

from django.conf import settings


class Pepper(NamedTuple):
    """A pepper and its number, which is stored beside each digest made with it."""

    number: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Pepper({self.number})"


def current() -> Pepper:
    """Return the pepper for new digests: KEYHOUSE_CURRENT_PEPPER, or the one with the highest number."""
    number = settings.CURRENT_PEPPER or max(settings.PEPPERS)
    return Pepper(number, settings.PEPPERS[number])
