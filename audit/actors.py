"""Who did something, from where, and to what: the words in which events are recorded."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from config.wire.http.client_ip import client_ip
from config.wire.http.heads import REQUEST_ID, Head

LABEL_LENGTH = 200
OF_REQUEST = "keyhouse.origin"  # in the environment of a request


@dataclass(frozen=True, slots=True)
class Origin:
    """From where and when: client address, id of the request, time (UTC)."""

    ip: str
    request_id: str
    at: datetime

    @classmethod
    def of(cls, head: Head) -> "Origin":
        """The origin of an HTTP request; the time is when somebody first asked for it."""
        origin: Origin | None = head.META.get(OF_REQUEST)
        if origin is None:
            origin = cls(client_ip(head), head.META.get(REQUEST_ID, ""), datetime.now(UTC))
            head.META[OF_REQUEST] = origin
        return origin

    @classmethod
    def here(cls) -> "Origin":
        """The origin of a command: this machine, now."""
        return cls("", uuid.uuid4().hex, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who: kind is user, api_key, oauth2, operator or anonymous; `id` is a uuid or empty."""

    kind: str
    id: str = ""
    label: str = ""


ANONYMOUS = Actor("anonymous")


class Row(Protocol):
    uuid: Any


@dataclass(frozen=True, slots=True)
class Target:
    """To what; `organization_id` decides whose auditors may see the event.

    `subjects` are all whom the event is about, as KIND:UUID: the target itself, and what `about` adds.
    """

    kind: str
    id: str
    label: str
    organization_id: int | None = None
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: str, row: Row, *, organization_id: int | None = None) -> "Target":
        """The row as a target, with its words at this moment."""
        return cls(kind, str(row.uuid), str(row)[:LABEL_LENGTH], organization_id)

    def about(self, **rows: Row | None) -> "Target":
        """The same target of an event that is about these rows, too, named by their kinds."""
        added = (f"{kind}:{row.uuid}" for kind, row in rows.items() if row is not None)
        return replace(self, others=(*self.others, *added))

    @property
    def subjects(self) -> list[str]:
        own = [f"{self.kind}:{self.id}"] if self.id else []
        return [*own, *(other for other in self.others if other not in own)]


NOTHING = Target("", "", "")
