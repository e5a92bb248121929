"""Claims of requests with an Idempotency-Key: the first creates a resource, later ones find out which.

A service takes the claim in the transaction that creates the resource, after it has checked what the caller
may do. A creation that fails therefore leaves no claim, and a repeated request is checked like a new one.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from access.principals import Caller
from accounts.models import IdempotentRequest
from config.database.retention import delete_some
from config.database.sql import select, uuid_value
from config.wire.errors import IdempotencyKeyReused, StillRunning

KEPT_SECONDS = 24 * 3600

# One statement, so that no request can come between looking and writing. It writes no row if the claim is
# taken. PostgreSQL would wait at the row of a transaction that is still running: the advisory lock, which
# ends with the transaction, is what every request tries first. On SQLite, writers take turns anyway.
TAKE = """
    INSERT INTO accounts_idempotentrequest AS kept (digest, members, resource, ends_at)
    SELECT %s, %s, %s, %s WHERE {is_free}
    ON CONFLICT (digest) DO UPDATE SET
        members = excluded.members, resource = excluded.resource, ends_at = excluded.ends_at
    WHERE kept.ends_at <= %s
    RETURNING 1
"""


class Claim(NamedTuple):
    """What a request claims: digests of the caller, endpoint and key, and of the members that it sent.

    `at` is the time of the request in Unix seconds.
    """

    digest: bytes
    members: bytes
    at: int


class Repeated(Exception):
    """An earlier request created the resource with this public uuid."""

    def __init__(self, resource: UUID) -> None:
        super().__init__(str(resource))
        self.resource = resource


def claim_of(caller: Caller, endpoint: str, key: str, members: Mapping[str, Any]) -> Claim:
    """Return the claim of a request to `endpoint` with this Idempotency-Key.

    The caller is who the audit log names: a person, an API key, an OAuth2 consent or machine. `members` are
    those that the request sent, by canonical name, without secrets.
    """
    actor = caller.principal.actor
    digest = _digest("\0".join((actor.kind, actor.id, key, endpoint)).encode(errors="surrogatepass"))
    text = json.dumps(members, sort_keys=True, default=str)
    return Claim(digest, _digest(digest + text.encode()), int(caller.origin.at.timestamp()))


def _digest(text: bytes) -> bytes:
    return hmac.digest(settings.IDEMPOTENCY_KEY, text, hashlib.sha256)


def take(claim: Claim | None, resource: UUID) -> None:
    """Take the claim for the resource that this transaction creates. Without a claim, do nothing.

    Raises Repeated if an earlier request has taken it, IdempotencyKeyReused if that request sent other
    members, or StillRunning if that request has not ended yet.
    """
    if claim is None or _is_taken_now(claim, resource):
        return
    earlier = IdempotentRequest.objects.filter(pk=claim.digest, ends_at__gt=claim.at).first()
    if earlier is None:
        raise StillRunning
    if not hmac.compare_digest(bytes(earlier.members), claim.members):
        raise IdempotencyKeyReused
    raise Repeated(earlier.resource)


def _is_taken_now(claim: Claim, resource: UUID) -> bool:
    """Take the claim if it is free or has ended. Return whether that worked."""
    row = [claim.digest, claim.members, uuid_value(str(resource)), claim.at + KEPT_SECONDS]
    is_free, lock = "1 = 1", []
    if connection.vendor == "postgresql":
        is_free, lock = "pg_try_advisory_xact_lock(%s)", [_lock_number(claim)]
    return bool(select(TAKE.format(is_free=is_free), [*row, *lock, claim.at]))


def _lock_number(claim: Claim) -> int:
    """Return the key of the claim's advisory lock: 64 bits of its digest."""
    return int.from_bytes(claim.digest[:8], signed=True)


def point_at(claim: Claim | None, resource: UUID) -> None:
    """Let a claim that this transaction has taken name another resource."""
    if claim is not None:
        IdempotentRequest.objects.filter(pk=claim.digest).update(resource=resource)


def sweep() -> None:
    """Delete some ended claims, without waiting for locks."""
    delete_some(IdempotentRequest.objects.filter(ends_at__lte=int(time.time())))
