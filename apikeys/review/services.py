"""After a password reset by mail: the API keys that still work, and how the owner revokes them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from access.key_limits import Limits
from access.principals import Caller, Credential
from accounts.mail.messages import Message, Template, link
from accounts.models import Mail, RecoveryLink, User
from accounts.passwords.recovery_links import mailed_recovery_token, recovering_person
from accounts.throttling.services import attempt
from accounts.users.lookups import lock_owners
from accounts.users.principals import principal_of
from apikeys.models import ApiKey
from apikeys.services.revocation import revoke_locked
from audit.actors import Origin
from audit.events import EventName
from audit.models import Event
from config.limits import Limit
from config.wire.errors import Invalid

SUSPECT_DAYS = 30
SUSPECT_EVENTS = (
    EventName.API_KEY_CREATED,
    EventName.API_KEY_ROTATED,
    EventName.API_KEY_ENABLED,
    EventName.API_KEY_CHANGED,
)
MOST_LISTED = 500  # keys on the page; revoking some makes room for others
MOST_IN_A_MAIL = 50
REASON = "revoked by the owner after a password reset"


class ReviewedKey(NamedTuple):
    """A usable key, and whether it was created, rotated, enabled or given other limits lately."""

    row: ApiKey
    is_suspect: bool


class Review(NamedTuple):
    """What a person sees after they recovered their account: suspect keys first."""

    user: User
    keys: list[ReviewedKey]
    is_cut: bool
    """Whether the person has more keys than MOST_LISTED."""


def review(*, token: str, now: datetime) -> Review:
    """Return the keys that the owner of a recovery link should review. Raises Invalid for a bad `token`."""
    return review_of(recovering_person(token, now), now)


def review_of(user: User, now: datetime) -> Review:
    """Return the usable keys that the person owns or created, in two queries."""
    usable = ApiKey.objects.owned_or_made_by(user).usable(now).select_related("user", "organization")
    rows = list(usable.order_by("-pk")[: MOST_LISTED + 1])
    since = now - timedelta(days=SUSPECT_DAYS)
    recent = Event.objects.filter(occurred_at__gte=since, name__in=SUSPECT_EVENTS, target_kind="api_key")
    names = [str(row.uuid) for row in rows]
    suspects = set(recent.filter(target_id__in=names).values_list("target_id", flat=True))
    keys = [ReviewedKey(row, str(row.uuid) in suspects) for row in rows[:MOST_LISTED]]
    return Review(user, sorted(keys, key=lambda key: not key.is_suspect), len(rows) > MOST_LISTED)


def revoke_reviewed(*, token: str, selected: Collection[UUID], origin: Origin) -> int:
    """Revoke the selected keys of the review, all or none. Return how many were usable.

    Raises TooManyAttempts, or Invalid, naming `token`, or `keys` if one of them is not under review.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    user = recovering_person(token, origin.at)
    caller = Caller(principal_of(user, Credential("jwt", "", limits=Limits())), origin)
    reviewed = ApiKey.objects.owned_or_made_by(user).filter(uuid__in=selected)
    with transaction.atomic():
        rows = list(reviewed)
        if len(rows) != len(set(selected)):
            raise Invalid("keys", "must be keys that you own or created; reload the page")
        lock_owners({row.organization_id for row in rows}, {row.user_id for row in rows})
        recovering_person(token, origin.at)
        locked = reviewed.select_for_update(of=("self",)).select_related("user", "organization")
        return revoke_locked(caller, locked.order_by("pk"), REASON)


def prepare_reset_notice(mail: Mail, origin: Origin) -> Message | None:
    """Return a mail that tells the owner about the reset, and which keys still work (ASVS 6.3.7).

    Returns None if the link is void, for example because the password was reset again.
    """
    reserved = RecoveryLink.objects.select_related("user").filter(pk=mail.about).first()
    if reserved is None:
        return None
    found = review_of(reserved.user, origin.at)
    values = {
        "at": mail.created_at,
        "link": link(settings.RECOVERY_URL, mailed_recovery_token(reserved)),
        "keys": found.keys[:MOST_IN_A_MAIL],
        "more": found.is_cut or len(found.keys) > MOST_IN_A_MAIL,
        "days": SUSPECT_DAYS,
    }
    return Message(mail.address, Template.PASSWORD_RESET, values)
