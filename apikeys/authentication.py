"""Authenticates requests with an API key, wherever the profile lets clients send it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.credentials import Presented, presented
from access.key_limits import limits_of, rate_of
from access.peppers import current
from access.principal_cache import Cached, memory
from access.principals import Credential, Place, Principal
from access.remembered import ANY_CHANGE, Read
from accounts.users.principals import PERSON, PERSON_JOINS, PersonRow, person
from apikeys.at_rest import digests as peppers
from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.usage import quotas
from apikeys.usage.refusals import record_refused_key, record_refused_use
from audit.actors import NOTHING, Origin, Target
from audit.position import HEAD, HEAD_JOIN, Found, Position, select_at
from config import profiles
from config.database.sql import as_json, as_time, as_uuid
from config.wire.errors import InvalidToken, NetworkNotAllowed
from config.wire.http import challenges


class ApiKeyAuthentication(BaseAuthentication):
    """DRF authentication by API key: request.user is a Principal, request.auth its Credential.

    List it before other authentication classes: it ignores credentials that are not API keys.
    """

    def authenticate(self, request: Request) -> tuple[Principal, Credential] | None:
        sent = presented(request._request)
        if sent is None or not sent.is_key:
            return None
        origin = Origin.of(request._request)
        principal = authenticate_key(sent, origin)
        quotas.spend(principal, origin)
        return principal, principal.credential

    def authenticate_header(self, request: Request) -> str:
        at_own_endpoints = profiles.active().keys.at_own_endpoints
        return challenges.of_keys(request._request) if at_own_endpoints else challenges.bearer()


class KeyRow(NamedTuple):
    """A key as one query reads it, without the columns of the person who owns it."""

    pk: int
    uuid: Any
    digest: Any
    name: str
    scopes: str
    pepper: int
    expires_at: datetime | None
    revoked_at: datetime | None
    disabled_at: datetime | None
    allowed_networks: str
    rate_requests: int | None
    rate_seconds: int | None
    made_through: int | None
    organization_id: int | None
    organization: Any
    organization_name: str | None
    owner_is_active: bool | None


KEY = f"""SELECT {HEAD}, k.id, k.uuid, k.digest, k.name, k.scopes, k.pepper, k.expires_at, k.revoked_at,
        k.disabled_at, k.allowed_networks, k.rate_requests, k.rate_seconds, k.made_through_id,
        k.organization_id, ko.uuid, ko.name, u.is_active, {PERSON}
    FROM apikeys_apikey k
    LEFT JOIN accounts_organization ko ON ko.id = k.organization_id
    LEFT JOIN accounts_user u ON u.id = k.user_id {PERSON_JOINS} {HEAD_JOIN}
    WHERE k.digest
"""  # noqa: S608 (it holds only constants)
KEY_COLUMNS = len(KeyRow._fields)
DIGEST = KeyRow._fields.index("digest")


def authenticate_key(sent: Presented, origin: Origin) -> Principal:
    """Return the owner of a key and what it may do now. Counts neither a use nor the rate limit.

    Raises InvalidToken, or NetworkNotAllowed for a valid key that may not be used from this address. Records
    the reason.
    """
    return admit(known_key(sent.secret, origin), origin)


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


def known_key(text: str, origin: Origin) -> Principal:
    """Return the owner of a key, sent from any address. Raises InvalidToken and records the reason.

    Takes no query for a cached key, one for any other well-formed key, and none for other text.
    """
    if key_text.environment_of(text, profiles.active().keys.environments) is None:
        raise InvalidToken
    digest = peppers.current_digest(text).digest
    known = memory.known()
    found = known.get(digest, origin.at)
    if found is None:
        read = _read(text, origin)
        memory.remember(known, digest, read)
        found = read.principal
    return found


def remembered_key(text: str, now: datetime) -> Cached | None:
    """Return the owner of a cached key, sent from any address; None if it is not cached.

    Raises InvalidToken for text that is not a well-formed key. Records nothing.
    """
    found = memory.trusted().find(peppers.current_digest(text).digest, now)
    # The cache holds only well-formed keys.
    if found is None and key_text.environment_of(text, profiles.active().keys.environments) is None:
        raise InvalidToken
    return found


def _read(text: str, origin: Origin) -> Read:
    digests = peppers.digests(text)
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
    _repepper(row, text)
    return _read_of(row, found, position)


def read_keys(texts: Iterable[str], now: datetime) -> dict[str, Cached]:
    """Return the owners of those of these keys that are usable at `now`, read and cached with one query.

    Leaves all others to `authenticate_key`: it records why a key is refused, and knows older peppers.
    """
    names = {peppers.current_digest(text).digest: text for text in texts}
    known, found = memory.known(), defaultdict[bytes, list[tuple[Any, ...]]](list)
    rows, position = _select(list(names))
    for columns in rows:
        found[bytes(columns[DIGEST])].append(columns)
    callers = dict[str, Cached]()
    for name, columns_of_key in found.items():
        row = KeyRow(*columns_of_key[0][:KEY_COLUMNS])
        if _unusable(row, now) is None:
            read = _read_of(row, columns_of_key, position)
            memory.remember(known, name, read)
            callers[names[name]] = Cached(name, read.principal)
    return callers


def _select(digests: list[bytes]) -> Found:
    """Read the keys with these digests. Some are named twice, so that few statements have to stay prepared.

    PostgreSQL would plan a statement with one array anew each time, which takes longer than to run it.
    """
    size = 1 << (len(digests) - 1).bit_length()  # the next power of two
    named = [*digests, *digests[:1] * (size - len(digests))]
    return select_at(f"{KEY} IN ({', '.join(['%s'] * size)})", named)


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
    found = select_at(f"{KEY} = %s", [bytes(digest)]).rows
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
    if row.organization_id is None and not row.owner_is_active:
        return "owner inactive"
    return None


def _repepper(row: KeyRow, text: str) -> None:
    """Replace a digest made with an older pepper by one made with the current pepper."""
    if row.pepper != current().number:
        number, digest = peppers.current_digest(text)
        ApiKey.objects.filter(pk=row.pk, pepper=row.pepper).update(pepper=number, digest=digest)


def _principal(row: KeyRow, owner: list[PersonRow]) -> Principal:
    """A person's key may do what they may, within its scopes; an organization's key, what its scopes say."""
    limits = limits_of(as_json(row.allowed_networks), rate_of(row.rate_requests, row.rate_seconds))
    ends = row.expires_at and as_time(row.expires_at)
    token = row.made_through or 0
    credential = Credential("key", as_uuid(row.uuid), ends, row.name, limits, number=row.pk, token=token)
    granted = frozenset(as_json(row.scopes))
    if row.organization_id is None:
        return person(owner, credential).narrowed(granted, credential)
    return Principal(
        subject=as_uuid(row.organization),
        label=row.organization_name or "",
        credential=credential,
        within={row.organization_id: profiles.active().power_of_scopes(granted)},
        organization_id=row.organization_id,
        organization=as_uuid(row.organization),
        places={row.organization_id: Place(as_uuid(row.organization))},
    )
