"""For a service with open streams (SSE, WebSocket): end those whose credential is no longer good.

A copy of this file is all that a service in Python needs; run `watch` in a thread of its own.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import groupby, islice
from threading import Event
from urllib.request import Request, urlopen

MOST = 100  # tokens in one question


@dataclass(frozen=True)
class Stream:
    """An open stream: the credential that opened it, the scope it needs, its client's address, its end."""

    credential: str = field(repr=False)
    scope: str
    client_ip: str
    end: Callable[[], None]


@dataclass(frozen=True)
class Keyhouse:
    """Where Keyhouse is, and the key of the service, which has the scope `introspect`."""

    url: str
    key: str = field(repr=False)

    def scopes(self, credentials: list[str], client_ip: str) -> list[list[str]]:
        """Return what each credential may do now, from there: nothing, if it is no longer good."""
        body = json.dumps({"tokens": credentials, "client_ip": client_ip}).encode()
        headers = {"Content-Type": "application/json", "X-API-Key": self.key}
        question = Request(f"{self.url}/gateway/introspect", body, headers)  # noqa: S310  (the operator's own)
        with urlopen(question, timeout=5) as answer:  # noqa: S310
            return [each.get("scope", "").split() for each in json.load(answer)]


def watch(keyhouse: Keyhouse, streams: Collection[Stream], seconds: float, stopped: Event) -> None:
    """End streams, of those that are open at the moment, every so many seconds until `stopped` is set."""
    while not stopped.wait(seconds):
        for client_ip, there in groupby(sorted(streams, key=_address), _address):
            while some := list(islice(there, MOST)):
                end_some(keyhouse, some, client_ip)


def end_some(keyhouse: Keyhouse, streams: list[Stream], client_ip: str) -> None:
    """End those of up to 100 streams from one address that may not go on; all if Keyhouse cannot be asked."""
    try:
        found = keyhouse.scopes([stream.credential for stream in streams], client_ip)
    except OSError:
        found = [[] for _ in streams]
    for stream, scopes in zip(streams, found, strict=True):
        if stream.scope not in scopes:
            stream.end()


def _address(stream: Stream) -> str:
    return stream.client_ip
