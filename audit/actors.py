"""Who did something, from where, and to what: the parts of an event."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from config.wire.http.client_ip import client_ip
from config.wire.http.heads import REQUEST_ID, Head

LABEL_LENGTH = 200
OF_REQUEST = "keyhouse.origin"  # in request.META


@dataclass(frozen=True, slots=True)
class Origin:
    """From where and when: the client's address, the request's id, the time (UTC)."""

    ip: str
    request_id: str
    at: datetime

    @classmethod
    def of(cls, head: Head) -> "Origin":
        """Return the origin of an HTTP request. Its time is that of the first call for the request."""
        origin: Origin | None = head.META.get(OF_REQUEST)
        if origin is None:
            origin = cls(client_ip(head), head.META.get(REQUEST_ID, ""), datetime.now(UTC))
            head.META[OF_REQUEST] = origin
        return origin

    @classmethod
    def here(cls) -> "Origin":
        """Return the origin of a command: this machine, now."""
        return cls("", uuid.uuid4().hex, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `kind` is user, api_key, oauth2, operator or anonymous; `id` is a uuid or empty."""

    kind: str
    id: str = ""
    label: str = ""


ANONYMOUS = Actor("anonymous")


class Row(Protocol):
    uuid: Any


@dataclass(frozen=True, slots=True)
class Target:
    """What it was done to. `organization_id` decides which auditors may see the event.

    `subjects` are all rows that the event is about, as KIND:UUID: the target, and those that `about` adds.
    """

    kind: str
    id: str
    label: str
    organization_id: int | None = None
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: str, row: Row, *, organization_id: int | None = None) -> "Target":
        """Return the row as a target, labelled with its present name."""
        return cls(kind, str(row.uuid), str(row)[:LABEL_LENGTH], organization_id)

    def about(self, **rows: Row | None) -> "Target":
        """Return the same target for an event that is also about these rows, given by kind."""
        added = (f"{kind}:{row.uuid}" for kind, row in rows.items() if row is not None)
        return replace(self, others=(*self.others, *added))

    @property
    def subjects(self) -> list[str]:
        own = [f"{self.kind}:{self.id}"] if self.id else []
        return [*own, *(other for other in self.others if other not in own)]


NOTHING = Target("", "", "")
