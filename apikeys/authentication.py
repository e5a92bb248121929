"""Authenticates requests with an API key, wherever the profile lets clients send it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.credentials import KNOWN_PLACES, OWN, Presented, presented
from access.key_limits import limits_of, rate_of
from access.peppers import current
from access.principal_cache import Cached, memory
from access.principals import Credential, Place, Principal
from access.remembered import ANY_CHANGE, Read
from accounts.users.principals import PersonRow, person
from apikeys.at_rest import digests as peppers
from apikeys.at_rest import key_text
from apikeys.at_rest.rows import DIGEST, KEY, KEY_COLUMNS, KeyRow, quotas_of
from apikeys.imported import hashes
from apikeys.imported import lookups as imported
from apikeys.models import ApiKey
from apikeys.usage import spending
from apikeys.usage.refusals import record_refused_key, record_refused_use
from audit.actors import NOTHING, Origin, Target
from audit.position import Found, Position, select_at
from config import profiles
from config.database.sql import any_of, as_json, as_time, as_uuid
from config.wire.errors import InvalidToken, NetworkNotAllowed
from config.wire.http import challenges


class ApiKeyAuthentication(BaseAuthentication):
    """DRF authentication by API key: request.user is a Principal, request.auth its Credential.

    List it before other authentication classes: it ignores credentials that are not API keys.
    """

    def authenticate(self, request: Request) -> tuple[Principal, Credential] | None:
        sent = presented(request._request)
        if sent is None or not sent.is_key or _is_nothing(sent):
            return None
        origin = Origin.of(request._request)
        principal = authenticate_key(sent, origin)
        spending.spend(principal, origin)
        return principal, principal.credential

    def authenticate_header(self, request: Request) -> str:
        at_own_endpoints = profiles.active().keys.at_own_endpoints
        return challenges.of_keys(request._request) if at_own_endpoints else challenges.bearer()


def _is_nothing(sent: Presented) -> bool:
    """Whether the credential came where only imported keys come, and cannot be one."""
    return sent.place not in KNOWN_PLACES and not imported.lookups(sent)


def authenticate_key(sent: Presented, origin: Origin) -> Principal:
    """Return the owner of a key and what it may do now. Counts neither a use nor the rate limit.

    Raises InvalidToken, or NetworkNotAllowed for a valid key that may not be used from this address. Records
    the reason.
    """
    return admit(known_key(sent, origin), origin)


def admit(principal: Principal, origin: Origin) -> Principal:
    """Return `principal` if its key may be used from this address. Raises NetworkNotAllowed."""
    if not may_come_from(principal, origin.ip):
        record_refused_use(principal, "network", origin)
        raise NetworkNotAllowed
    return principal


def may_come_from(principal: Principal, ip: str) -> bool:
    """Whether the caller's credential may be used from this address."""
    limits = principal.credential.limits
    return limits is None or limits.allow(ip)


def known_key(sent: Presented, origin: Origin) -> Principal:
    """Return the owner of a key, sent from any address. Raises InvalidToken and records the reason.

    Takes no query for a cached key, one for any other well-formed key or one that may have been imported, and
    none for other text. Raises NotAuthenticated where only imported keys come and this cannot be one.
    """
    name = _name(sent)
    trusted = memory.trusted().get(name, origin.at)
    if trusted is not None:
        return trusted
    is_ours = _is_well_formed(sent)
    foreign = [] if is_ours else imported.lookups(sent, by_prefix=True)
    if not is_ours and not foreign:
        raise imported.refusal(sent)
    known = memory.known()
    found = known.get(name, origin.at)
    if found is None:
        read = _read(sent.secret, foreign or peppers.digests(sent.secret), origin)
        memory.remember(known, name, read)
        found = read.principal
    return found


def _is_well_formed(sent: Presented) -> bool:
    environments = profiles.active().keys.environments
    return sent.place == OWN and key_text.environment_of(sent.secret, environments) is not None


def _name(sent: Presented) -> bytes:
    """Return the name of the key in the cache: an imported key counts only in its own place."""
    digest = peppers.current_digest(sent.secret).digest
    return digest if sent.place == OWN else digest + sent.place.encode()


class Sought(NamedTuple):
    """A text that may be a key and is not cached: the name that it would have there, and its form."""

    sent: Presented
    name: bytes
    is_well_formed: bool

    def lookups(self) -> list[bytes]:
        """Return the digests under which the key may be stored; none if no key has this text."""
        return peppers.digests(self.sent.secret) if self.is_well_formed else imported.lookups(self.sent)


def remembered_key(sent: Presented, now: datetime) -> Cached | Sought:
    """Return the owner of a cached key, sent from any address, or what `read_keys` reads.

    Raises InvalidToken for text that is no key, as `known_key` does. Records nothing.
    """
    name = _name(sent)
    found = memory.trusted().find(name, now)
    if found is not None:  # the cache holds only keys
        return found
    is_well_formed = _is_well_formed(sent)
    if not is_well_formed and imported.may_be_stored(sent) is False:
        raise imported.refusal(sent)
    return Sought(sent, name, is_well_formed)


def _read(text: str, digests: list[bytes], origin: Origin) -> Read:
    found, position = _select(digests)
    if not found:
        record_refused_key(NOTHING, "unknown", origin)
        raise InvalidToken
    row = KeyRow(*found[0][:KEY_COLUMNS])
    reason = _unusable(row, origin.at)
    if reason is not None:
        target = Target("api_key", as_uuid(row.uuid), row.name, row.organization_id)
        record_refused_key(target, reason, origin, number=row.pk)
        raise InvalidToken
    has_hash = row.unused_until is not None and hashes.is_found_by_prefix(bytes(row.digest), text)
    if has_hash and not hashes.is_key(row.pk, text, origin):
        record_refused_key(NOTHING, "unknown", origin)
        raise InvalidToken
    _store_anew(row, text)
    if has_hash:
        hashes.forget(row.pk)
    return _read_of(row, found, position)


def read_keys(keys: Iterable[Sought], now: datetime) -> dict[Sought, Cached]:
    """Return the owners of those of these keys that are usable at `now`, read and cached with one query.

    Leaves all others to `authenticate_key`: it records why a key is refused.
    """
    known, found = memory.known(), defaultdict[Sought, list[tuple[Any, ...]]](list)
    named = {digest: key for key in keys for digest in key.lookups()}
    if not named:
        return {}
    rows, position = _select(list(named))
    for columns in rows:
        found[named[bytes(columns[DIGEST])]].append(columns)
    callers = dict[Sought, Cached]()
    for key, columns_of_key in found.items():
        row = KeyRow(*columns_of_key[0][:KEY_COLUMNS])
        if _unusable(row, now) is None:
            _store_anew(row, key.sent.secret)
            read = _read_of(row, columns_of_key, position)
            memory.remember(known, key.name, read)
            callers[key] = Cached(key.name, read.principal)
    return callers


def _select(digests: list[bytes]) -> Found:
    given = any_of(digests)
    return select_at(f"{KEY} {given.condition}", given.values)


def _read_of(row: KeyRow, found: Iterable[tuple[Any, ...]], position: Position) -> Read:
    principal = _principal(row, _owner(found))
    key = principal.credential
    # An event that ends the token may name other subjects than the key's owner.
    tokens = [ANY_CHANGE] if key.token else []
    return Read.of(principal, key.expires_at, position, f"api_key:{key.id}", *tokens)


def principal_now(public: UUID, now: datetime) -> Principal | None:
    """Lock the key with this uuid and return what it may do now; None if it is not usable."""
    locked = ApiKey.objects.filter(uuid=public).select_for_update(no_key=True)
    digest = locked.values_list("digest", flat=True).first()
    if digest is None:
        return None
    found = _select([bytes(digest)]).rows
    row = KeyRow(*found[0][:KEY_COLUMNS])
    return None if _unusable(row, now) else _principal(row, _owner(found))


def _owner(found: Iterable[tuple[Any, ...]]) -> list[PersonRow]:
    return [PersonRow(*columns[KEY_COLUMNS:]) for columns in found]


def _unusable(row: KeyRow, now: datetime) -> str | None:
    """Return why the key is not usable at `now`, or None if it is."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and as_time(row.expires_at) <= now:
        return "expired"
    if row.disabled_at is not None:
        return "disabled"
    if row.unused_until is not None and as_time(row.unused_until) <= now:
        return "unused since its import"
    if row.organization_id is None and not row.owner_is_active:
        return "owner inactive"
    return None


def _store_anew(row: KeyRow, text: str) -> None:
    """Replace a digest of another system, or one with an older pepper, by our own with the current pepper.

    A server whose current pepper is not the newest yet leaves newer digests as they are.
    """
    if row.unused_until is not None or row.pepper < current().number:
        number, digest = peppers.current_digest(text)
        stored = ApiKey.objects.filter(pk=row.pk, digest=bytes(row.digest))
        stored.update(pepper=number, digest=digest, unused_until=None)


@lru_cache(maxsize=4096)
def _scopes(column: str) -> frozenset[str]:
    """Return the scopes in the JSON column of a key. Cached: most keys have one of a few sets."""
    return frozenset(as_json(column))


def _principal(row: KeyRow, owner: list[PersonRow]) -> Principal:
    """A person's key may do what they may, within its scopes; an organization's key, what its scopes say."""
    rate = rate_of(row.rate_requests, row.rate_seconds)
    limits = limits_of(as_json(row.allowed_networks), rate, quotas_of(row))
    ends = row.expires_at and as_time(row.expires_at)
    token = row.made_through or 0
    credential = Credential(
        "key",
        as_uuid(row.uuid),
        ends,
        row.name,
        limits,
        number=row.pk,
        token=token,
        counted_as=as_uuid(row.counted_as or row.uuid),
    )
    granted = _scopes(row.scopes)
    if row.organization_id is None:
        return person(owner, credential, granted=granted)
    return Principal(
        subject=as_uuid(row.organization),
        label=row.organization_name or "",
        credential=credential,
        within={row.organization_id: profiles.active().power_of_scopes(granted)},
        organization_id=row.organization_id,
        organization=as_uuid(row.organization),
        places={row.organization_id: Place(as_uuid(row.organization))},
    )
