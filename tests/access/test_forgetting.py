"""A look drops the callers whom new events concern, and no others unless it must."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, cast

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from access import principal_cache
from access.principal_cache import memory
from access.principals import Caller
from access.remembered import Read
from apikeys import authentication
from apikeys.services.revocation import revoke_api_keys
from audit.actors import Target
from audit.events import EventName
from audit.models import ChainHead
from config.wire.errors import InvalidToken
from tests.access.remembering import happen, names, read, remember
from tests.accounts.helpers import statements
from tests.apikeys.test_trust import use
from tests.conftest import Cast, make_key

Lease = Callable[[float], None]
LONG = 3600.0
KEY = Target("api_key", "1", "a key")


class Newer(StrEnum):
    """An event that a later version may record."""

    UNHEARD_OF = "somebody:transmogrified"


def remember_two() -> None:
    remember(b"concerned", None, "api_key:1")
    remember(b"other", None, "api_key:2")


def test_a_look_forgets_only_those_whom_an_event_concerns(db: None, lease: Lease) -> None:
    lease(1e-9)
    remember_two()
    happen(to=KEY)
    with CaptureQueriesContext(connection) as captured:
        assert names() == {b"other"}
    assert len(statements(captured)) == 1


@pytest.mark.parametrize("name", [Newer.UNHEARD_OF, EventName.SECRETS_ACCEPTED, EventName.MEMBER_REMOVED])
def test_an_event_that_may_concern_everybody_empties_memory(db: None, lease: Lease, name: StrEnum) -> None:
    lease(1e-9)
    remember_two()
    happen(cast(EventName, name), to=KEY)
    assert names() == set()


@pytest.mark.parametrize(("part", "queries"), [(0, 1), (1, 0)])
def test_a_request_has_an_ageing_lease_renewed_and_a_new_one_kept(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch, part: int, queries: int
) -> None:
    monkeypatch.setattr(principal_cache, "RENEW_AFTER", part)
    lease(LONG)
    cache = principal_cache.Memory()
    known = cache.known()
    assert cache.trusted() is known
    cache._is_ageing.set()  # in the second case by a request that came just before the last look
    with CaptureQueriesContext(connection) as captured:
        cache.renew_when_asked()
    assert len(statements(captured)) == queries
    assert (cache.trusted() is known) == (queries == 0)


def test_without_a_lease_nothing_is_renewed(lease: Lease) -> None:
    lease(0)
    principal_cache.Memory().renew_in_background()
    assert "keyhouse-looks" not in {thread.name for thread in threading.enumerate()}


def test_a_renewal_forgets_those_whom_an_event_concerns(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal_cache, "RENEW_AFTER", 0)
    lease(LONG)
    cache = principal_cache.Memory()
    for number in (1, 2):
        cache.remember(cache.known(), b"%d" % number, read(f"api_key:{number}"))
    happen(to=KEY)
    cache.trusted()
    cache.renew_when_asked()
    assert set(cache.trusted().callers._reads) == {b"2"}


def test_an_epoch_of_which_no_event_says_whom_it_concerns_empties_memory(db: None, lease: Lease) -> None:
    lease(1e-9)
    remember_two()
    happen(EventName.LOGIN_FAILED)
    ChainHead.objects.update(epoch=ChainHead.objects.get().epoch + 1)
    assert names() == set()


def test_no_number_of_events_that_change_nobody_empties_memory(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal_cache, "MOST_EVENTS", 3)
    lease(1e-9)
    happen()
    remember_two()
    for events in (10, 1):
        for _ in range(events):
            happen(EventName.LOGIN_FAILED)
        assert names() == {b"concerned", b"other"}


@pytest.mark.parametrize(("between", "expected"), [(2, {b"other"}), (3, set())])
def test_a_change_among_more_events_than_a_look_goes_through_empties_memory(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch, between: int, expected: set[bytes]
) -> None:
    monkeypatch.setattr(principal_cache, "MOST_EVENTS", 3)
    lease(1e-9)
    happen()
    remember_two()
    for _ in range(between):
        happen(EventName.LOGIN_FAILED)
    happen(to=KEY)
    assert names() == expected


@pytest.mark.django_db(transaction=True)
def test_what_is_read_before_a_change_and_kept_after_a_look_that_saw_it_is_not_trusted(
    cast: Cast, lease: Lease, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = (make_key(cast.alice, "services:read") for _ in range(2))
    has_read, may_go_on = threading.Event(), threading.Event()
    really_read = authentication._read

    def read_and_stop(text: str, *rest: Any) -> Read:
        found = really_read(text, *rest)
        if text == key.text:
            has_read.set()
            assert may_go_on.wait(timeout=60)
        return found

    def use_slowly() -> None:
        use(key.text)
        connections.close_all()

    monkeypatch.setattr(authentication, "_read", read_and_stop)
    lease(1e-9)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(use_slowly)
        assert has_read.wait(timeout=60)
        revoke_api_keys(caller=operator, selected=[key.row])
        lease(LONG)
        use(other.text)  # looks, and trusts what it finds
        may_go_on.set()
        slow.result(timeout=60)
    monkeypatch.undo()
    lease(LONG)
    with pytest.raises(InvalidToken):
        use(key.text)
    with CaptureQueriesContext(connection) as captured:
        use(other.text)
    assert statements(captured) == []


def test_a_stranger_s_failed_logins_leave_everybody_remembered(cast: Cast, lease: Lease) -> None:
    key = make_key(cast.alice, "services:read")
    lease(1e-9)
    use(key.text)
    known = memory.known().callers
    happen(EventName.LOGIN_FAILED)
    assert memory.known().callers is known
    with CaptureQueriesContext(connection) as captured:
        use(key.text)
    assert len(statements(captured)) == 1  # the look
