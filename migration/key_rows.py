"""The rows of imported keys: which are here already, and how new ones are stored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings

from access.peppers import current
from apikeys.at_rest import foreign, key_text
from apikeys.attributes import clean_attributes
from apikeys.models import ApiKey, ImportedHash, KeySource
from config.database.bulk import insert_like
from config.database.sql import Lookup, as_time
from migration.owners import Owner
from migration.rows import ForeignKey
from migration.sources import Source

COLUMNS = "id, digest, import_digest, revoked_at, disabled_at, expires_at"


class Here(NamedTuple):
    """A key that is here, as far as an import looks at it."""

    pk: int
    digest: bytes
    import_digest: bytes | None
    revoked_at: datetime | None
    disabled_at: datetime | None
    expires_at: datetime | None

    def is_active(self, now: datetime) -> bool:
        """Whether the key is neither revoked nor disabled nor expired."""
        is_ended = self.revoked_at is not None or self.disabled_at is not None
        return not is_ended and (self.expires_at is None or as_time(self.expires_at) > now)


class Digested(NamedTuple):
    """A key with the digests that its row gets: they are made with the current pepper."""

    key: ForeignKey
    stored: bytes
    reference: bytes

    def __repr__(self) -> str:
        return f"Digested({self.key})"


def digested(kind: str, keys: Sequence[ForeignKey]) -> list[Digested]:
    """Return the keys with their digests."""
    pepper = current().secret
    return [Digested(key, _stored(kind, key, pepper), _reference(kind, key, pepper)) for key in keys]


def _stored(kind: str, key: ForeignKey, pepper: bytes) -> bytes:
    return key_text.digest(key.text, pepper) if key.text else foreign.stored(kind, key.digest, pepper)


def _reference(kind: str, key: ForeignKey, pepper: bytes) -> bytes:
    return foreign.reference(kind, key.digest, pepper)


def already_here(source: Source, given: Sequence[Digested]) -> dict[bytes, Here]:
    """Return the keys that were imported before or are stored anyway, by their foreign digest."""
    kind, peppers = source.kind, settings.PEPPERS.values()
    earlier = [(pepper, each.key) for pepper in peppers if pepper != current().secret for each in given]
    by_import = {each.reference: each.key for each in given}
    by_import |= {_reference(kind, key, pepper): key for pepper, key in earlier}
    by_stored = {each.stored: each.key for each in given}
    by_stored |= {_stored(kind, key, pepper): key for pepper, key in earlier}
    if source.before:
        pairs = [(each.key, pepper) for each in given for pepper in peppers]
        by_import |= {foreign.reference(source.before, key.prefix.encode(), own): key for key, own in pairs}
    named = (("import_digest", by_import, 2), ("digest", by_stored, 1))
    return {
        found[bytes(row[place])].digest: Here(*row)
        for column, found, place in named
        for row in Lookup(COLUMNS, "apikeys_apikey", column).find(list(found))
    }


class Outcome(NamedTuple):
    """What a key becomes here."""

    owner: Owner
    name: str
    scopes: list[str]
    networks: list[str]
    expires_at: datetime | None


class Accepted(NamedTuple):
    """A key that will be stored, and what it becomes here."""

    digested: Digested
    outcome: Outcome


class NewKey(NamedTuple):
    """The columns in which the keys of a batch differ."""

    uuid: UUID
    name: str
    user_id: int | None
    organization_id: int | None
    scopes: list[str]
    digest: bytes
    key_prefix: str
    created_at: datetime
    expires_at: datetime | None
    disabled_at: datetime | None
    allowed_networks: list[str]
    last_used_at: datetime | None
    import_digest: bytes


def store_keys(
    fresh: Sequence[Accepted], source: KeySource, environment: str, unused_until: datetime, now: datetime
) -> list[NewKey]:
    """Store keys, in the caller's transaction. Raises IntegrityError if one is here or its owner is not."""
    template = ApiKey(
        environment=environment,
        attributes=clean_attributes({}),
        pepper=current().number,
        imported_from=source,
        import_pepper=current().number,
        unused_until=unused_until,
    )
    rows = [_row(each, now) for each in fresh]
    insert_like(template, NewKey._fields, rows)
    given = (each.digested for each in fresh)
    _store_hashes({each.stored: each.key.hash for each in given if each.key.hash})
    return rows


def _store_hashes(hashes: Mapping[bytes, str]) -> None:
    if not hashes:
        return
    found = Lookup("id, digest", "apikeys_apikey", "digest").find(list(hashes))
    insert_like(ImportedHash(), ("key_id", "encoded"), [(pk, hashes[bytes(digest)]) for pk, digest in found])


def _row(accepted: Accepted, now: datetime) -> NewKey:
    (key, stored, reference), outcome = accepted
    return NewKey(
        uuid=uuid4(),
        name=outcome.name,
        user_id=outcome.owner.user_id,
        organization_id=outcome.owner.organization_id,
        scopes=outcome.scopes,
        digest=stored,
        key_prefix=key.prefix,
        created_at=min(key.created_at or now, now),
        expires_at=outcome.expires_at,
        disabled_at=now if key.is_disabled else None,
        allowed_networks=outcome.networks,
        last_used_at=key.last_used_at,
        import_digest=reference,
    )
