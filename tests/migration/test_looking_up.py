"""What a request with an imported key costs, how processes learn of imports, and when keys are disabled."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.callers import caller_at_command_line
from access.credentials import presented
from access.principal_cache import memory
from apikeys.authentication import known_key
from apikeys.models import ApiKey, KeySource
from apikeys.services.enabling import enable_api_keys
from apikeys.services.revocation import revoke_api_keys
from audit.actors import Origin
from audit.models import Event
from config.wire.errors import InvalidToken
from gateway import edge
from gateway.edge import UnreadKey, check_from_memory, check_together
from migration.unused import disable_unused
from tests.commands.helpers import refusal_of, run
from tests.conftest import Cast, make_key, with_key
from tests.gateway.test_from_memory import Request
from tests.migration.systems import System
from tests.migration.using import ASKED, check, status

LONG = 3600.0
Lease = Callable[[float], None]


@pytest.fixture
def imported(cast: Cast, drf: System, scopes: str) -> System:
    run("importkeys", "--from", "drf-authtoken", drf.url, "--scopes", scopes)
    return drf


def head(headers: dict[str, str]) -> Any:
    """A check with these headers, as the event loop reads it."""
    lines = tuple((name.lower().encode(), value.encode()) for name, value in (ASKED | headers).items())
    return Request("GET", b"/gateway/check", lines).head()


@pytest.mark.requirement(141)
def test_while_nothing_is_imported_a_foreign_text_takes_no_query(
    cast: Cast, drf: System, lease: Lease, django_assert_num_queries: Any
) -> None:
    lease(LONG)
    key = make_key(cast.bob, "services:read")
    assert with_key(key).get("/gateway/check", headers=ASKED).status_code == 200
    others = (
        {"X-API-Key": drf.texts[0]},
        {"Authorization": f"Bearer {drf.texts[0]}"},
        {"apikey": drf.texts[0]},
    )
    assert status(drf.headers[0]) == 401  # the process reads the table of systems once: it is empty
    with django_assert_num_queries(0):
        assert check(drf.headers[0]).json()["code"] == "not_authenticated"
        assert [status(headers) for headers in others] == [401, 401, 401]
        answer = check_from_memory(head(drf.headers[0]))
        assert answer is not None and not isinstance(answer, UnreadKey) and answer.status == 401
        both = drf.headers[0] | {"X-API-Key": key.text}
        assert status(both) == 200


@pytest.mark.requirement(141)
def test_a_cached_key_takes_no_query_and_a_used_one_takes_one(
    imported: System, lease: Lease, django_assert_num_queries: Any
) -> None:
    lease(LONG)
    assert status(imported.headers[1]) == 200  # the systems, the key, its new digest
    with django_assert_num_queries(2):
        assert status(imported.headers[0]) == 200  # the key, its new digest
    with django_assert_num_queries(0):
        assert status(imported.headers[0]) == 200
    held = memory.known()
    for name in list(held.callers._reads):
        held.callers._drop(name)
    with django_assert_num_queries(1):
        assert status(imported.headers[0]) == 200


def test_the_event_loop_answers_as_a_thread_does(
    imported: System, lease: Lease, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "renew_connection", lambda: None)  # as in Django's Client
    lease(LONG)
    unread = [check_from_memory(head(headers)) for headers in imported.headers]
    asked = [each for each in unread if isinstance(each, UnreadKey)]
    assert len(asked) == 2
    with django_assert_num_queries(5):  # a look, the systems, both keys with one query, their digests
        answers = check_together(asked)
    assert [answer and answer.status for answer in answers] == [200, 200]
    assert not ApiKey.objects.filter(unused_until__isnull=False).exists()
    with django_assert_num_queries(0):
        again = check_from_memory(head(imported.headers[0]))
    assert not isinstance(again, UnreadKey) and again is not None and again.status == 200
    wrong = {"Authorization": f"Bearer {imported.texts[0]}"}
    refused = check_from_memory(head(wrong))
    assert not isinstance(refused, UnreadKey) and refused is not None and refused.status == 401


@pytest.mark.django_db(transaction=True)
def test_a_process_that_has_found_nothing_imported_learns_of_an_import(
    cast: Cast, drf: System, scopes: str, lease: Lease, django_assert_num_queries: Any
) -> None:
    lease(1e-9)
    assert status(drf.headers[0]) == 401
    with django_assert_num_queries(1):  # it looks whether something has changed
        assert status(drf.headers[0]) == 401
    run("importkeys", "--from", "drf-authtoken", drf.url, "--scopes", scopes)
    assert status(drf.headers[0]) == 200


@pytest.mark.requirement(142)
def test_a_key_that_was_not_used_in_time_is_refused_and_then_disabled(imported: System) -> None:
    assert status(imported.headers[0]) == 200
    ApiKey.objects.filter(unused_until__isnull=False).update(unused_until=timezone.now())
    assert status(imported.headers[1]) == 401
    assert disable_unused() == 1
    used, unused = ApiKey.objects.order_by("pk")
    assert (used.status(timezone.now()), unused.status(timezone.now())) == ("active", "disabled")
    detail = {"reason": "unused since its import"}
    assert Event.objects.get(name="api_key:disabled").detail == detail
    assert disable_unused() == 0
    enable_api_keys(caller=caller_at_command_line(), selected=[unused])
    assert [status(headers) for headers in imported.headers] == [200, 200]


def test_an_imported_key_may_be_used_first_until_the_last_moment_before_its_deadline(
    imported: System,
) -> None:
    deadline = timezone.now()
    ApiKey.objects.update(unused_until=deadline)
    sent = presented(head(imported.headers[0]))
    assert sent is not None
    with pytest.raises(InvalidToken):
        known_key(sent, Origin("", "", deadline))
    assert known_key(sent, Origin("", "", deadline - timedelta(microseconds=1)))


def test_the_deadline_is_as_long_as_the_operator_says(cast: Cast, drf: System) -> None:
    run("importkeys", "--from", "drf-authtoken", drf.url, "--unused-for", "7d")
    left = ApiKey.objects.earliest("pk").unused_until
    assert left is not None and timedelta(days=6) < left - timezone.now() <= timedelta(days=7)


def test_a_system_without_keys_is_not_looked_up_any_more(imported: System) -> None:
    source = KeySource.objects.get()
    assert (source.is_open, source.has_unused) == (True, True)
    assert [status(headers) for headers in imported.headers] == [200, 200]
    disable_unused()
    source.refresh_from_db()
    assert (source.is_open, source.has_unused) == (True, False)
    assert [status(headers) for headers in imported.headers] == [200, 200]
    revoke_api_keys(caller=caller_at_command_line(), selected=ApiKey.objects.all())
    disable_unused()
    source.refresh_from_db()
    assert (source.is_open, source.has_unused) == (False, False)
    assert check(imported.headers[0]).json()["code"] == "not_authenticated"


def test_the_report_tells_how_many_imported_keys_are_used(imported: System) -> None:
    assert status(imported.headers[0]) == 200
    (report,) = run("importkeys")
    counts = {"imported": 2, "used": 1, "unused": 1, "disabled": 0, "revoked": 0}
    assert report == {"source": "drf-authtoken"} | counts


def test_an_imported_key_survives_a_new_pepper(imported: System, settings: Settings) -> None:
    settings.PEPPERS = {**settings.PEPPERS, max(settings.PEPPERS) + 1: b"another pepper"}
    assert status(imported.headers[0]) == 200
    assert ApiKey.objects.earliest("pk").pepper == max(settings.PEPPERS)
    again = run("importkeys", "--from", "drf-authtoken", imported.url)
    assert (again["imported"], again["already_here"]) == (0, 2)


def test_an_imported_key_can_be_introspected(imported: System, cast: Cast) -> None:
    asker = with_key(make_key(cast.ada, "introspect"))
    found = asker.post("/gateway/introspect", {"token": imported.texts[0]}).json()
    assert found["active"] and found["username"] == "alice"
    assert asker.post("/gateway/introspect", {"token": "x" * 40}).json() == {"active": False}


def test_an_import_without_the_pepper_of_an_earlier_one_is_refused(
    imported: System, settings: Settings
) -> None:
    """It could not find the keys that are here, and would import revoked ones again."""
    newer = {max(settings.PEPPERS) + 1: b"another pepper"}
    settings.PEPPERS = {**settings.PEPPERS, **newer}
    assert [status(headers) for headers in imported.headers] == [200, 200]  # now nothing needs the first one
    settings.PEPPERS = newer
    refusal = refusal_of("importkeys", "--from", "drf-authtoken", imported.url)
    assert "pepper 1 was used for an earlier import" in refusal
