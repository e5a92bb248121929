"""Requests with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07)."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from rest_framework.request import Request

from access.callers import caller_of
from access.leases import wait_out_leases
from accounts.idempotency.services import Claim, Repeated, claim_of
from config.wire.errors import DomainError, Gone

HEADER = "Idempotency-Key"
REPLAYED = MappingProxyType({"Idempotent-Replayed": "true"})  # as Stripe says it
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
LONGEST = 255
GONE = (
    "What the first request with this Idempotency-Key created no longer exists. "
    "Send a new Idempotency-Key to create another."
)
QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')  # a String (RFC 9651 section 3.3.3)
BARE = re.compile(r"[!#-+\--~]+")  # without commas: servers join two headers of one name with one

Result = TypeVar("Result")


class Made(NamedTuple, Generic[Result]):
    """What a request created, or what an earlier one with its key did, and the headers that tell so."""

    result: Result
    headers: Mapping[str, str]


def once(
    request: Request,
    members: Mapping[str, Any],
    make: Callable[[Claim | None], Result],
    find: Callable[[UUID], Result | None],
) -> Made[Result]:
    """Return what `make` creates, or, if the request repeats another one, what `find` returns.

    `members` are what the request sent, without secrets. `make` passes the claim to the service, which checks
    the caller before it takes the claim. `find` returns the resource with a public uuid as it is now, or
    None. A repeated request waits one lease, as the first may still do.
    Raises what the service raises, Gone if `find` returns None, and DomainError for a malformed key.
    """
    key = _key_of(request)
    claim = (
        None
        if key is None
        else claim_of(caller_of(request), f"{request.method} {request.path}", key, members)
    )
    try:
        return Made(make(claim), NO_HEADERS)
    except Repeated as repeated:
        found = find(repeated.resource)
    if found is None:
        raise Gone(GONE)
    wait_out_leases()
    return Made(found, REPLAYED)


def _key_of(request: Request) -> str | None:
    """Return the key in the request's header, or None. A key means the same in quotes and without."""
    text = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if text is None:
        return None
    quoted = QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not (quoted or BARE.fullmatch(text)) or len(key) > LONGEST:
        raise DomainError(
            f"{HEADER} must be one key of 1 to {LONGEST} visible ASCII characters, such as a UUID. "
            "A key with spaces or commas needs quotes."
        )
    return key
