"""The kinds of mails about API keys, and which of them people can turn off."""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from config.wire.errors import Invalid, Sentence


class Notification(StrEnum):
    """Why a mail about an API key is sent. The database and the API use these values."""

    EXPIRING = "expiring"
    UNUSED = "unused"
    NEW_NETWORK = "new_network"
    LEAKED = "leaked"
    STILL_USED = "still_used"


SECURITY = frozenset({Notification.NEW_NETWORK, Notification.LEAKED})  # only the person turns these off
ALWAYS = frozenset({Notification.LEAKED})

CHOSEN_WITH = {Notification.STILL_USED: Notification.EXPIRING}  # kinds without a choice of their own

CHOICES = {
    Notification.EXPIRING: _("an API key expires soon"),
    Notification.UNUSED: _("an API key has not been used for a long time"),
    Notification.NEW_NETWORK: _("an API key is used from a new network"),
}


CHOICES_OF_OTHERS = {kind: words for kind, words in CHOICES.items() if kind not in SECURITY}


def every_choice() -> list[str]:
    """Return what a new person gets: everything."""
    return [kind.value for kind in CHOICES]


def wants(kind: Notification, chosen: Iterable[str]) -> bool:
    """Whether a person who has chosen these kinds gets mails of this kind."""
    return kind in ALWAYS or CHOSEN_WITH.get(kind, kind) in chosen


def clean_notifications(kinds: Iterable[str]) -> list[str]:
    """Return the kinds once each, in order. Raises Invalid, naming `notifications`, for an unknown one."""
    wanted = set(kinds)
    if unknown := sorted(wanted - CHOICES.keys()):
        known = ", ".join(CHOICES)
        raise Invalid(
            "notifications",
            Sentence("%(kind)s is not a kind; the kinds are: %(known)s", kind=ascii(unknown[0]), known=known),
        )
    return [kind.value for kind in CHOICES if kind in wanted]


def chosen_by_another(kinds: Iterable[str], now: Iterable[str]) -> list[str]:
    """Return what a person gets after somebody else has chosen `kinds`: security mails stay as `now`.

    Raises Invalid, naming `notifications`, for an unknown kind and for a security mail.
    """
    wanted = clean_notifications(kinds)
    if fixed := [kind for kind in wanted if kind in SECURITY]:
        raise Invalid(
            "notifications",
            Sentence("only the person can choose %(kind)s, because it is a security mail", kind=fixed[0]),
        )
    return clean_notifications([*wanted, *(kind for kind in now if kind in SECURITY)])
