"""A request that names a second path, behind real proxies: refused, stripped, or decided about as well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.second_paths import KNOWN
from tests.gateway.proxies.changes import changed
from tests.gateway.proxies.conftest import Front, Keyhouse
from tests.gateway.proxies.running import PROXIES, running, say
from tests.gateway.proxies.service import Service

pytestmark = [pytest.mark.once, pytest.mark.slow]

# The documented change is about the file for nginx that keeps Host, which clients of WebDAV need.
WITH_DESTINATION = [name for name in PROXIES if name != "nginx"]
FROM = "/services/dav/mine/a"
CLOSED = "/services/dav/closed/b"


@pytest.fixture(params=WITH_DESTINATION)
def dav(
    request: pytest.FixtureRequest, keyhouse: Keyhouse, service: Service, tmp_path: Path
) -> Iterator[Front]:
    """A proxy that lets Destination through, as documented."""
    name, file = request.param, PROXIES[request.param].file
    text = changed(file, f"{file} with Destination")
    with running(name, tmp_path, service=service.address, keyhouse=keyhouse.address, text=text) as proxy:
        yield Front(name, proxy, service, keyhouse)


def test_no_second_path_gets_through_as_shipped(front: Front) -> None:
    before = front.arrived()
    for header in KNOWN:
        for path in ("/services/stock/items", "/services/stock/health"):
            answer = front.proxy.request("GET", path, headers=front.keyhouse.key("reader") | {header: CLOSED})
            assert (answer.status, answer.json()["code"]) == (403, "not_allowed")
            assert header in answer.json()["detail"]
    assert front.arrived() == before


def test_as_shipped_the_service_does_not_see_a_destination_that_is_allowed(front: Front) -> None:
    answer = front.ask(FROM, method="MOVE", Destination="/services/dav/mine/b")
    assert answer.status == 200
    assert front.service.got[-1].method == "MOVE"
    assert front.service.got[-1].values("Destination") == []


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_destination_arrives_as_it_was_sent_where_the_caller_may_put(dav: Front, method: str) -> None:
    for destination in ("/services/dav/mine/b%20c", f"http://127.0.0.1:{dav.proxy.port}/services/dav/mine/b"):
        assert dav.ask(FROM, method=method, Destination=destination).status == 200
        assert dav.service.got[-1].values("Destination") == [destination]
    assert dav.ask(FROM, "writer", method, Destination=CLOSED).status == 200


def test_nothing_is_written_where_the_caller_may_not_put(dav: Front) -> None:
    before = dav.arrived()
    port = dav.proxy.port
    for destination in (
        CLOSED,
        f"http://127.0.0.1:{port}{CLOSED}",
        "/services/dav/mine/../closed/b",
        "/services/dav/mine/%2e%2e/closed/b",
        "/services/dav/mine/b?/../../closed/b",
        "/services/dav/%63losed/b",
        f"http://elsewhere{FROM}b",
        f"http://127.0.0.1:{port}@elsewhere{FROM}b",
        f"//elsewhere{FROM}b",
    ):
        assert dav.ask(FROM, method="COPY", Destination=destination).status == 403, destination
    assert dav.arrived() == before


def test_two_destinations_are_refused(dav: Front) -> None:
    before = dav.arrived()
    key = dav.keyhouse.keys["reader"]["key"]
    head = f"COPY {FROM} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {key}\r\n"
    mine, closed = "Destination: /services/dav/mine/b\r\n", f"Destination: {CLOSED}\r\n"
    for lines in (mine + closed, closed + mine, mine + closed.lower(), mine + mine):
        assert say(dav.proxy.port, f"{head}{lines}\r\n".encode()).startswith(b"HTTP/1.1 403 ")
    assert dav.arrived() == before


def test_other_rows_and_other_headers_stay_closed(dav: Front) -> None:
    before = dav.arrived()
    for header in KNOWN:
        headers = dav.keyhouse.key("writer") | {header: CLOSED}
        assert dav.proxy.request("PUT", "/services/stock/items", headers=headers).status == 403
    assert dav.arrived() == before
