"""What a service behind the proxy learns about the caller."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse

from access.principals import Principal
from config import profiles
from config.server.answers import Lines, encoded
from config.wire.http.middleware import secure
from config.wire.ids import format_id


class Identity(NamedTuple):
    """The parts of a caller that go into the identity headers: ids and scopes."""

    subject: str
    organization: str
    kind: str
    id: str
    number: int
    scopes: frozenset[str]

    @classmethod
    def of(cls, principal: Principal) -> "Identity":
        sent = principal.credential
        return cls(
            principal.subject, principal.organization, sent.kind, sent.id, sent.number, principal.scopes
        )


def identity_headers(principal: Principal | None) -> dict[str, str]:
    """Return the identity headers; their values are empty for an unknown caller."""
    return _headers(Identity.of(principal) if principal else None, profiles.active().wire.ids)


def _headers(who: Identity | None, ids: str) -> dict[str, str]:
    if who is None:
        return dict.fromkeys(
            ("X-Auth-Subject", "X-Auth-Organization", "X-Auth-Credential", "X-Auth-Scopes"), ""
        )
    return {
        "X-Auth-Subject": who.subject,
        "X-Auth-Organization": who.organization,
        "X-Auth-Credential": f"{who.kind}:{_shown_id(who, ids)}",
        "X-Auth-Scopes": " ".join(sorted(who.scopes)),
    }


def _shown_id(who: Identity, ids: str) -> str | int:
    """An API key's id as the API shows it, so that services can look it up; the uuid of other credentials."""
    return who.id if who.kind != "key" or ids == "uuid" else format_id("api_key", who.number, UUID(who.id))


def identity_lines(principal: Principal | None, more: Mapping[str, str]) -> Lines:
    """Return the header lines of a 200: the identity headers, `more`, and those that every answer has."""
    lines = _lines(Identity.of(principal) if principal else None, profiles.active().wire.ids)
    return [*lines, *encoded(more.items())]


@lru_cache(maxsize=20_000)
def _lines(who: Identity | None, ids: str) -> Lines:
    return [*encoded(_headers(who, ids).items()), *_of_every_answer(settings.HTTPS)]


@cache
def _of_every_answer(_: bool) -> Lines:
    return encoded(secure(HttpResponse(content_type="text/plain")).headers.items())
