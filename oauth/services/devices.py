"""The device grant (RFC 8628): devices ask for codes and poll, and people allow or deny what they ask for."""

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from access import peppers
from access.principals import Caller, Principal
from accounts.models import Session, User
from accounts.throttling.services import attempt, succeeded
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.retention import delete_some
from config.limits import Limit
from config.wire.errors import Invalid, TooManyAttempts
from config.wire.http.client_ip import counted_network, network_of, site_of
from oauth.locks import lock_clients
from oauth.models import Consent, DeviceCode, DeviceCodeQuerySet, OAuthClient
from oauth.protocol import tokens, user_codes
from oauth.protocol.scopes import grantable
from oauth.services.consents import (
    begin_consent,
    client_as_actor,
    record_consent,
    target_of,
)

LIFETIME = timedelta(minutes=10)
INTERVAL = 5  # s between polls, at first
SLOWER = 5  # s more after each poll that came too early (RFC 8628 section 3.5)
LATENESS = timedelta(seconds=1)  # by which one poll may take longer than the next to get here
FETCHED_WITHIN = timedelta(minutes=1)  # after the person has allowed it; at least, and one interval more
MOST_OPEN = 50  # codes of one client that wait for a person, for one address
MOST_OPEN_ANYWHERE = 1_000  # the same for all addresses together; one more ends one of them
KEPT = timedelta(hours=1)  # so long a late poll learns that its code has expired


class State(StrEnum):
    """What a poll is answered (RFC 8628 section 3.5), in oauthlib's words."""

    PENDING = "authorization_pending"
    TOO_EARLY = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    ALLOWED = "authorized"


class Polled(NamedTuple):
    """The state of a code, None if there is no such code; and the code, if a person has allowed it."""

    state: State | None
    allowed: DeviceCode | None = None


class NewDevice(NamedTuple):
    """A device that has just asked, with its codes in clear text."""

    row: DeviceCode
    device_code: str
    user_code: str

    def __repr__(self) -> str:
        return f"NewDevice({self.row.pk})"


def ask(*, client: OAuthClient, scopes: list[str], origin: Origin) -> NewDevice:
    """Store new codes for a device with this client. Nothing is recorded before a person answers.

    Raises NotFound if the client was just deleted, and TooManyAttempts if MOST_OPEN devices with it wait at
    the address. If MOST_OPEN_ANYWHERE wait at all addresses, one of them must start again.
    """
    now, network = origin.at, network_of(origin.ip)
    device_code, user_code = tokens.new(tokens.DEVICE), user_codes.new()
    with transaction.atomic():
        lock_clients([client])
        waiting = DeviceCode.objects.open(now).filter(client=client)
        if counted_network(origin.ip):
            _check_room(waiting.filter(network=network), now)
        _make_room(waiting)
        row = DeviceCode.objects.create(
            client=client,
            digest=tokens.digest(device_code),
            user_digest=tokens.secret_digest(user_code, peppers.current().secret),
            scopes=scopes,
            ip=origin.ip,
            network=network,
            asked_at=now,
            expires_at=now + LIFETIME,
            interval=INTERVAL,
        )
    return NewDevice(row, device_code, user_code)


def find(*, caller: Caller, person: User, user_code: str) -> DeviceCode:
    """Return the device that waits with the code that a person typed, in any spelling.

    Wrong codes count for the person and the address (RFC 8628 section 5.1). Raises Invalid, which does not
    tell wrong codes from old ones, or TooManyAttempts.
    """
    code = user_codes.read(user_code)
    if code is None:
        raise Invalid("user_code", "must be the eight letters that your device shows")
    subject, origin = str(person.uuid), caller.origin
    attempt(Limit.USER_CODE, subject=subject, origin=origin, actor=caller.principal.actor)
    digests = [tokens.secret_digest(code, pepper) for pepper in settings.PEPPERS.values()]
    waiting = DeviceCode.objects.open(origin.at).select_related("client")
    device = waiting.filter(user_digest__in=digests, client__device_grant=True).first()
    if device is None:
        raise _not_open()
    succeeded(Limit.USER_CODE, subject=subject, origin=origin)
    return device


def scopes_for(device: DeviceCode, principal: Principal) -> list[str]:
    """Return what a person can grant of what the device asked for."""
    return [scope for scope in grantable(device.scopes, principal) if scope in device.client.scopes]


def allow(*, session: Session, device: DeviceCode, scopes: list[str], origin: Origin) -> Consent:
    """Store the consent of the person who is logged in. The device gets its tokens with its next poll.

    Raises as `give_consent`, and Invalid if somebody has answered or the code has expired.
    """
    fetched_by = origin.at + FETCHED_WITHIN + timedelta(seconds=device.interval)
    with transaction.atomic():
        consent = begin_consent(session=session, client=device.client, scopes=scopes, origin=origin)
        ends = max(device.expires_at, fetched_by)
        if not _open(device, origin).update(consent=consent, expires_at=ends):
            raise _not_open()
        record_consent(consent, origin, device=str(device.uuid), asked_from=device.ip)
    return consent


def deny(*, caller: Caller, device: DeviceCode) -> None:
    """Let the device know that a person does not allow it. Raises Invalid as `allow`."""
    with transaction.atomic():
        if not _open(device, caller.origin).update(denied_at=caller.origin.at):
            raise _not_open()
        actor, detail = caller.principal.actor, {"asked_from": device.ip}
        record(
            EventName.DEVICE_DENIED,
            actor=actor,
            origin=caller.origin,
            target=_target(device),
            detail=detail,
        )


def poll(*, client: OAuthClient, digest: str, origin: Origin) -> Polled:
    """Return what a device with this code learns; `digest` is that of its device code.

    If a person has allowed it, their row stays locked for the caller's transaction, so that the consent
    cannot end before the tokens are issued.
    """
    rows = DeviceCode.objects.filter(client=client, digest=digest)
    device = rows.first()
    if device is None or device.spent_at is not None:
        return Polled(None)
    if device.denied_at is not None:
        return Polled(State.DENIED)
    if device.expires_at <= origin.at:
        return Polled(State.EXPIRED)
    if device.consent_id is None:
        return Polled(State.PENDING if _is_in_time(device, origin) else State.TOO_EARLY)
    owner = User.objects.filter(consents__pk=device.consent_id, is_active=True).select_for_update(
        of=("self",)
    )
    allowed = rows.select_related("consent__user", "consent__client").first() if owner.first() else None
    return Polled(None) if allowed is None else Polled(State.ALLOWED, allowed)


def spend(*, device: DeviceCode, scopes: list[str], origin: Origin) -> bool:
    """Mark an allowed code as spent, in the caller's transaction, with the client locked.

    Return False if another poll has spent it.
    """
    consent = device.consent
    if consent is None or not DeviceCode.objects.filter(pk=device.pk, spent_at=None).update(
        spent_at=origin.at
    ):
        return False
    record(
        EventName.OAUTH_TOKEN_ISSUED,
        actor=client_as_actor(consent.client),
        origin=origin,
        target=target_of(consent),
        detail={"scopes": scopes, "device": str(device.uuid)},
    )
    return True


def clear_ended() -> None:
    """Delete some codes that expired an hour ago, and consents that no device fetched its tokens for."""
    ended = DeviceCode.objects.filter(expires_at__lte=timezone.now() - KEPT)
    delete_some(Consent.objects.filter(device_code__in=ended.filter(spent_at=None)))  # and their codes
    delete_some(ended)


def _check_room(waiting: DeviceCodeQuerySet, now: datetime) -> None:
    """Raises TooManyAttempts while MOST_OPEN codes wait."""
    ends = waiting.order_by("-expires_at").values_list("expires_at", flat=True)
    end = ends[MOST_OPEN - 1 : MOST_OPEN].first()
    if end is not None:
        raise TooManyAttempts(int((end - now).total_seconds()) + 1)


def _make_room(waiting: DeviceCodeQuerySet) -> None:
    """Delete one code if MOST_OPEN_ANYWHERE wait: the oldest from where most of them come.

    So a stranger with many addresses ends their own codes before those of others.
    """
    if waiting.count() < MOST_OPEN_ANYWHERE:
        return
    codes = list(waiting.order_by("asked_at", "pk").values_list("pk", "network"))
    sites = Counter(site_of(network) for _, network in codes)
    most = max(sites.values())
    waiting.filter(pk=next(pk for pk, network in codes if sites[site_of(network)] == most)).delete()


def _is_in_time(device: DeviceCode, origin: Origin) -> bool:
    """Note a poll. Return False, and make the interval longer, if it came too early."""
    row = DeviceCode.objects.filter(pk=device.pk)
    latest = origin.at + LATENESS - timedelta(seconds=device.interval)
    if row.filter(Q(polled_at=None) | Q(polled_at__lte=latest)).update(polled_at=origin.at):
        return True
    row.update(interval=F("interval") + SLOWER, polled_at=origin.at)
    return False


def _open(device: DeviceCode, origin: Origin) -> DeviceCodeQuerySet:
    return DeviceCode.objects.open(origin.at).filter(pk=device.pk)


def _not_open() -> Invalid:
    return Invalid("user_code", "is wrong, has expired or was answered. Start again on your device")


def _target(device: DeviceCode) -> Target:
    return Target.of("device", device).about(oauth_client=device.client)
