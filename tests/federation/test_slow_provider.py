"""What a provider that does not answer costs: one thread of a process, and nothing of other organizations."""

import socket
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.utils import timezone

from config.wire.errors import Busy
from federation.models import Domain, Provider
from federation.protocol import documents, turns
from federation.protocol.documents import ask
from federation.protocol.faults import ProviderFault
from federation.protocol.turns import turn_of
from tests.conftest import Cast
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, logs_in
from tests.federation.real import Browser

ENOUGH_SECONDS = 30
WITHOUT_END = 600  # seconds
pytestmark = [pytest.mark.once, pytest.mark.requirement(167)]


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(ENOUGH_SECONDS)
        yield server


def issuer_of(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def first_done(asking: set["Future[Any]"], count: int) -> set["Future[Any]"]:
    """Return so many that are done, as soon as they are."""
    done: set[Future[Any]] = set()
    while len(done) < count:
        found = wait(asking - done, timeout=ENOUGH_SECONDS, return_when=FIRST_COMPLETED).done
        assert found, "the others wait, too"
        done |= found
    return done


def goes_unanswered(issuer: str) -> bool:
    try:
        ask(issuer, issuer)
    except ProviderFault:
        return True
    return False


@pytest.fixture
def known_to_be_slow(silent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> str:
    """The issuer of the silent server, which has just been asked. Who waits for a turn waits long."""
    monkeypatch.setattr(turns, "WAITS_SECONDS", WITHOUT_END)
    with monkeypatch.context() as patch:
        patch.setattr(documents, "SECONDS", 0.1)
        assert goes_unanswered(issuer_of(silent))
    return issuer_of(silent)


def test_few_requests_wait_for_a_silent_provider_and_the_others_are_refused_at_once(
    cast: Cast, fake: FakeProvider, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITS_SECONDS", WITHOUT_END)
    monkeypatch.setattr(documents, "SECONDS", ENOUGH_SECONDS)
    issuer, refused = issuer_of(silent), 4
    with ThreadPoolExecutor(1 + turns.MOST_WAITING + refused) as pool:
        asking = {pool.submit(ask, issuer, issuer) for _ in range(1 + turns.MOST_WAITING + refused)}
        held, _ = silent.accept()
        try:
            done = first_done(asking, refused)
            set_up(cast, fake.issuer)
            assert logs_in(fake).status_code == 302
        finally:
            silent.close()
            held.close()
    assert [type(each.exception()) for each in done] == [Busy] * refused
    assert {type(each.exception()) for each in asking - done} == {ProviderFault}


def test_nobody_waits_for_a_provider_that_did_not_answer_just_before(
    cast: Cast, fake: FakeProvider, known_to_be_slow: str
) -> None:
    set_up(cast, fake.issuer)
    about = {"issuer": known_to_be_slow, "client_id": "a client", "algorithm": "RS256"}
    Provider.objects.create(organization=cast.umbrella, created_at=timezone.now(), **about)
    now = timezone.now()
    Domain.objects.create(
        organization=cast.umbrella, name="umbrella.example", created_at=now, proven_at=now, token="proven"
    )
    with turn_of(known_to_be_slow):
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(ask, known_to_be_slow, known_to_be_slow)
            assert first_done({asking}, 1) and isinstance(asking.exception(), Busy)
        answer = Browser().here.post("/account/login/organization", {"email": "bob@umbrella.example"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "Too many logins with identity providers are under way." in answer.content.decode()
        assert logs_in(fake).status_code == 302


def test_slow_providers_leave_a_place_to_the_others(
    cast: Cast, fake: FakeProvider, known_to_be_slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(cast, fake.issuer)
    with socket.create_server(("127.0.0.1", 0)) as second:
        with monkeypatch.context() as patch:
            patch.setattr(documents, "SECONDS", 0.1)
            assert goes_unanswered(issuer_of(second))
        with turn_of(known_to_be_slow):
            with pytest.raises(Busy):
                ask(issuer_of(second), issuer_of(second))
            assert logs_in(fake).status_code == 302


def test_a_provider_that_answers_again_is_waited_for_again(
    cast: Cast, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(cast, fake.issuer)
    monkeypatch.setattr(turns, "WAITS_SECONDS", 0)
    turns.slow.keep(fake.issuer, True)
    assert logs_in(fake).status_code == 302
    with turn_of("https://slow.example"):
        turns.slow.keep("https://slow.example", True)
        assert logs_in(fake).status_code == 302  # it shares no place with slow ones now


def test_a_full_process_says_so(cast: Cast, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAITS_SECONDS", 0)
    slow = "https://slow.example"
    with turn_of(slow):
        with pytest.raises(Busy), turn_of(slow):
            pass
        set_up(cast, fake.issuer)
        with turn_of("https://another.example"), pytest.raises(Busy):
            ask(fake.issuer, fake.issuer)
    with turn_of(slow):
        pass
