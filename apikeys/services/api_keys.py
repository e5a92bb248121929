"""Services for API keys: create one, change one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from msgspec import UNSET

from access.freshness import check_fresh
from access.key_limits import Rate, are_wider
from access.leases import wait_out_leases
from access.principals import Caller, Credential, Principal
from accounts.idempotency.services import Claim, take
from accounts.models import Organization, User
from accounts.users.lookups import lock
from accounts.users.names import clean_name
from accounts.users.principals import principal_of
from apikeys import scopes
from apikeys.at_rest import digests
from apikeys.at_rest import key_text as keys
from apikeys.attributes import NOTES, clean_attributes, clean_description, clean_metadata, merge_metadata
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.powers import check_may_make_keys
from apikeys.quotas.services import give_quota
from apikeys.services.events import record_about
from apikeys.services.limits import limit_columns, limits_in, limits_in_words
from apikeys.services.locking import locked
from audit.events import EventName
from config import profiles
from config.database.rows import edit
from config.profiles import NO_POWER, Capability, Power
from config.wire.errors import MOST_ERRORS, Conflict, Invalid, NotAllowed, Sentence
from config.wire.fields import timestamp
from config.wire.preconditions import ANY_VERSION, Expected
from config.wire.quoting import quoted
from oauth.locks import lock_token

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class NewKey:
    """A newly created key: its row, and its text, which is available only now."""

    row: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.row.key_prefix}…)"


def create_api_key(
    *,
    caller: Caller,
    name: str,
    owner: User | Organization,
    description: str = "",
    metadata: Mapping[str, str] = NOTHING,
    granted: Sequence[str] = (),
    environment: str | None = None,
    expires_at: datetime | None = None,
    attributes: Mapping[str, Any] = NOTHING,
    allowed_networks: Sequence[str] = (),
    rate_limit: Rate | None = None,
    quota: QuotaChanges | None = None,
    predecessor: ApiKey | None = None,
    uuid: UUID | None = None,
    claim: Claim | None = None,
) -> NewKey:
    """Create a key for `owner` and return it with its text, which is not stored.

    `granted` are scopes. `expires_at` is in UTC; None means never, which a profile with `longest_days`
    refuses. `environment` defaults to the profile's. `attributes` are those that the profile defines. No
    `allowed_networks` means every address. `predecessor` is the key that the new one replaces. `uuid` is that
    of the new row. Raises Invalid (naming the member), NotFound or NotAllowed: callers cannot grant more than
    they hold, nor for longer than their own key lasts. Raises FreshProofRequired, and as `take` does for the
    `claim`.
    """
    _check_may_make(caller, owner)
    if predecessor is None:
        check_may_make_keys(caller)
    check_fresh(caller)
    check_scopes(granted)
    granted = scopes.unique(granted)
    check_not_wider(caller, owner, frozenset(granted))
    environment = environment or profiles.active().keys.default_environment
    check_environment(environment)
    form = profiles.active().keys.environments[environment]
    text = keys.mint(form)
    number, digest = digests.current_digest(text)
    uuid = uuid or uuid4()
    with transaction.atomic():
        take(claim, uuid)
        hold_owner(caller, owner)
        row = ApiKey.objects.create(
            uuid=uuid,
            name=clean_name("name", name),
            description=clean_description(description),
            metadata=clean_metadata(metadata),
            user=owner if isinstance(owner, User) else None,
            organization=owner if isinstance(owner, Organization) else None,
            environment=environment,
            scopes=granted,
            attributes=clean_attributes(attributes),
            digest=digest,
            pepper=number,
            key_prefix=keys.shown_part(text, form, profiles.active().keys.shown_characters),
            created_at=caller.origin.at,
            created_by_id=caller.principal.user_id,
            made_through_id=caller.principal.credential.token or None,
            expires_at=_clean_expiry(caller, expires_at),
            predecessor=predecessor,
            counted_as=predecessor.first_uuid if predecessor else None,
            **limit_columns(caller, allowed_networks, rate_limit),
        )
        limits = limits_in_words(row) | (give_quota(row, quota) if quota else {})
        detail = {"scopes": granted, "owner": str(owner)} | limits
        record_about(EventName.API_KEY_CREATED, caller, row, detail)
    return NewKey(row, text)


def hold_owner(caller: Caller, owner: User | Organization) -> User | Organization:
    """Lock the owner and return it. First lock what could end the caller's OAuth2 token, if there is one.

    Raises NotFound, or InvalidToken if the token has just ended.
    """
    if caller.principal.credential.token:
        lock_token(caller.principal.credential.token, beside=owner)
    return lock(owner)


def update_api_key(
    *, caller: Caller, key: ApiKey, changes: ApiKeyChanges, expected: Expected = ANY_VERSION
) -> ApiKey:
    """Change the name, the notes or the limits of a key, and return the changed key.

    Raises NotFound, NotAllowed, PreconditionFailed, FreshProofRequired for wider limits, or Invalid, also for
    empty `changes`.
    """
    if changes == ApiKeyChanges():
        raise Invalid("name", "is required, unless you send another member")
    columns = limit_columns(caller, changes.allowed_networks, changes.rate_limit)
    if changes.name is not UNSET:
        columns["name"] = clean_name("name", changes.name)
    if changes.description is not UNSET:
        columns["description"] = clean_description(changes.description)
    with transaction.atomic():
        before = locked(caller, [key], expected)[0]
        if changes.metadata is not UNSET:
            columns["metadata"] = merge_metadata(before.metadata, changes.metadata)
        changed = {column: value for column, value in columns.items() if getattr(before, column) != value}
        if changed:
            edit(ApiKey.objects.filter(pk=before.pk), **changed)
        after = ApiKey.objects.select_related("user", "organization").get(pk=before.pk)
        if are_wider(limits_in(after), limits_in(before)):
            check_fresh(caller)
        if after.name != before.name:
            record_about(EventName.API_KEY_RENAMED, caller, before, {"from": before.name, "to": after.name})
        if noted := sorted(NOTES & changed.keys()):
            record_about(EventName.API_KEY_DESCRIBED, caller, after, {"members": noted})
        old, new = limits_in_words(before), limits_in_words(after)
        if old != new:
            record_about(EventName.API_KEY_CHANGED, caller, after, {"from": old, "to": new})
        wait_out_leases()  # the request that made the change may still be waiting
    return after


def check_not_ended(row: ApiKey, now: datetime) -> None:
    """Raise Conflict if the key is revoked or expired."""
    status = row.status(now)
    if status in {"revoked", "expired"}:
        raise Conflict(
            "status",
            Sentence("%(name)s is %(status)s for good; create a new key", name=row.name, status=status),
        )


def _check_may_make(caller: Caller, owner: User | Organization) -> None:
    """Require MANAGE_OWN_KEYS for the caller's own keys, MANAGE_KEYS for those of others."""

    def may_make(who: Principal) -> bool:
        if isinstance(owner, Organization):
            return who.may(Capability.MANAGE_KEYS, owner.pk)
        is_own = owner.pk == who.user_id and who.may_somewhere(Capability.MANAGE_OWN_KEYS)
        return is_own or who.may(Capability.MANAGE_KEYS)

    caller.principal.require(may_make, "You may not create keys for this owner.")


def check_scopes(requested: Sequence[str]) -> None:
    """Raise Invalid for scopes that the profile does not have, and for none where it requires one."""
    if not requested and profiles.active().keys.scopes_required:
        raise Invalid("scopes", "must name at least one scope: a key without scopes can do nothing")
    catalogue = profiles.active().scopes
    unknown = scopes.unknown(requested, catalogue)
    if unknown:
        named = ", ".join(ascii(scope) for scope in unknown[:MOST_ERRORS])
        said = {"named": named, "known": ", ".join(catalogue)}
        if len(unknown) == 1:
            raise Invalid("scopes", Sentence("%(named)s is not a scope; the scopes are: %(known)s", **said))
        raise Invalid("scopes", Sentence("%(named)s are not scopes; the scopes are: %(known)s", **said))


def check_not_wider(caller: Caller, owner: User | Organization, granted: frozenset[str]) -> None:
    """Refuse scopes that the caller or the key's owner does not hold.

    A key for another person acts in their name, so its creator must be able to do everything they can.
    """
    wanted = profiles.active().power_of_scopes(granted)
    if isinstance(owner, Organization):
        words = Sentence(
            "scopes: %(names)s would allow more than you may do in this organization",
            names=_names_in(wanted - caller.principal.power_in(owner.pk)),
        )
        caller.principal.require(lambda who: wanted <= who.power_in(owner.pk), words)
        return
    person = principal_of(owner, Credential("jwt", ""))
    if owner.pk != caller.principal.user_id:
        caller.principal.require(
            lambda who: person.excess_over(who) == NO_POWER,
            Sentence("%(who)s may do more than you.", who=owner),
        )
    excess = Power(scopes=wanted.scopes - person.scopes_anywhere)
    if excess != NO_POWER:
        words = Sentence(
            "scopes: %(names)s would allow more than the key's owner may do", names=_names_in(excess)
        )
        raise NotAllowed(words)
    made = person.narrowed(granted, person.credential)
    beyond = _names_in(made.excess_over(caller.principal))
    words = Sentence("scopes: %(names)s would allow more than you may do", names=beyond)
    caller.principal.require(lambda who: made.excess_over(who) == NO_POWER, words)


def _names_in(excess: Power) -> str:
    return ", ".join(sorted(excess.scopes) or sorted(excess.capabilities))


def check_environment(name: str) -> None:
    """Raise Invalid for an environment that the profile does not have."""
    environments = profiles.active().keys.environments
    if name not in environments:
        said = {"name": quoted(name), "known": ", ".join(environments)}
        words = Sentence("%(name)s is not an environment; the environments are: %(known)s", **said)
        raise Invalid("environment", words)


def latest_expiry(now: datetime) -> datetime | None:
    """Return the latest expiry that the profile allows for a key created now; None means no limit."""
    days = profiles.active().keys.longest_days
    return None if days is None else now + timedelta(days=days)


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Raise Invalid for an expiry in the past, or later than the profile allows for a key created now."""
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires_at", "must be in the future")
    latest = latest_expiry(now)
    if latest is not None and (expires_at is None or expires_at > latest):
        raise Invalid(
            "expires_at",
            Sentence("must not be after %(time)s, the latest allowed expiry", time=timestamp(latest)),
        )


def _clean_expiry(caller: Caller, expires_at: datetime | None) -> datetime | None:
    check_expiry(expires_at, caller.origin.at)
    limit = None if caller.principal.is_person else caller.principal.credential.expires_at
    if limit is not None and (expires_at is None or expires_at > limit):
        moment = timestamp(limit)
        raise Invalid(
            "expires_at",
            Sentence("must not be after %(time)s, when your own credential expires", time=moment),
        )
    return expires_at
