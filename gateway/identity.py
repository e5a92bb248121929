"""What a service behind the proxy learns about the caller."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from django.conf import settings
from django.http import HttpResponse

from access.principals import Credential, CredentialKind, Principal
from config import profiles
from config.server.answers import Lines, encoded
from config.wire.http.middleware import secure


class Identity(NamedTuple):
    """The parts of a caller that go into the identity headers: ids and scopes."""

    subject: str
    organization: str
    kind: CredentialKind
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
    return _headers(Identity.of(principal) if principal else None)


def _headers(who: Identity | None) -> dict[str, str]:
    if who is None:
        return dict.fromkeys(
            ("X-Auth-Subject", "X-Auth-Organization", "X-Auth-Credential", "X-Auth-Scopes"), ""
        )
    return {
        "X-Auth-Subject": who.subject,
        "X-Auth-Organization": who.organization,
        "X-Auth-Credential": str(Credential(who.kind, who.id, number=who.number)),
        "X-Auth-Scopes": " ".join(sorted(who.scopes)),
    }


def identity_lines(principal: Principal | None, more: Mapping[str, str]) -> Lines:
    """Return the header lines of a 200: the identity headers, `more`, and those that every answer has."""
    lines = _lines(Identity.of(principal) if principal else None, profiles.active().wire.ids)
    return [*lines, *encoded(more.items())]


@lru_cache(maxsize=20_000)
def _lines(who: Identity | None, ids: str) -> Lines:
    """Return them for one caller, and the form of `ids` in the profile, which the id of a key has."""
    return [*encoded(_headers(who).items()), *_of_every_answer(settings.HTTPS)]


@cache
def _of_every_answer(_: bool) -> Lines:
    return encoded(secure(HttpResponse(content_type="text/plain")).headers.items())
