"""Who is told about a key: its owner, or the members of its organization who may manage keys.

Of leaks, those who may manage all keys are told as well.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.models import Membership, User
from accounts.notifications.kinds import Notification, wants
from apikeys.models import ApiKey
from config import profiles
from config.profiles import Capability

MOST_TOLD = 20  # members of one organization


class Recipient(NamedTuple):
    """A person who gets a mail: their primary key and address."""

    number: int
    email: str


def managers() -> "QuerySet[Membership]":
    """Return the memberships of active people who may manage their organization's keys."""
    profile = profiles.active()
    everywhere, inside = (
        profile.roles_with(Capability.MANAGE_KEYS, level) for level in ("global", "organization")
    )
    may = Q(role__in=inside) | Q(user__role__in=everywhere) | Q(user__is_superuser=True)
    return Membership.objects.filter(may, user__is_active=True)


def administrators() -> "QuerySet[User]":
    """Return the active people who may manage all keys."""
    roles = profiles.active().roles_with(Capability.MANAGE_KEYS, "global")
    return User.objects.filter(Q(role__in=roles) | Q(is_superuser=True), is_active=True).order_by("pk")


def recipients(kind: Notification, keys: Iterable[ApiKey]) -> dict[int, list[Recipient]]:
    """Return who wants to be told about each key, by the key's primary key, in one query for all of them.

    Of an organization, the first members who may manage keys are told, at most MOST_TOLD of them. Of a leak,
    the first MOST_TOLD administrators are told as well, which takes another query.
    """
    rows = list(keys)
    members = _members(kind, {row.organization_id for row in rows if row.organization_id})
    found = {row.pk: members.get(row.organization_id or 0, []) for row in rows}
    for row in rows:
        if row.user is not None and row.user.is_active and wants(kind, row.user.notifications):
            found[row.pk] = [Recipient(row.user.pk, row.user.email)]
    if rows and kind == Notification.LEAKED:
        chiefs = [Recipient(user.pk, user.email) for user in administrators()[:MOST_TOLD]]
        found = {number: list(dict.fromkeys([*people, *chiefs])) for number, people in found.items()}
    return found


def _members(kind: Notification, organizations: set[int]) -> dict[int, list[Recipient]]:
    if not organizations:
        return {}
    number = Window(RowNumber(), partition_by=F("organization_id"), order_by=F("pk").asc())
    first = managers().filter(organization__in=organizations).annotate(number=number)
    found: dict[int, list[Recipient]] = defaultdict(list)
    for membership in first.filter(number__lte=MOST_TOLD).select_related("user").order_by("pk"):
        if wants(kind, membership.user.notifications):
            person = Recipient(membership.user_id, membership.user.email)
            found[membership.organization_id].append(person)
    return found


def concerns(person: User) -> Callable[[ApiKey], bool]:
    """Return whether the person is still somebody who is told about a key, after two queries."""
    managed = set(managers().filter(user=person).values_list("organization_id", flat=True))
    is_chief = administrators().filter(pk=person.pk).exists()
    return lambda key: is_chief or key.user_id == person.pk or key.organization_id in managed
