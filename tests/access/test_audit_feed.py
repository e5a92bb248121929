"""GET audit?after=: a feed that no event is missing from, and in which none comes twice."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from audit.models import Event
from audit.position import BEGINNING, Position
from config.waiting import deferring
from tests.accounts.helpers import statements
from tests.conftest import Api, Cast, as_user, assert_problem, make_key

WRITERS = 4
EACH = 15


def happen(label: str, organization: int | None = None) -> Event:
    target = Target("api_key", "", label, organization)
    return record(EventName.API_KEY_REFUSED, actor=ANONYMOUS, origin=Origin.here(), target=target)


def cursor_of(event: Event) -> str:
    return Position(event.sequence, bytes(event.hash)).text


def path_of(link: str) -> str:
    return link.removeprefix(settings.PUBLIC_URL)


def page_of(answer: Any) -> tuple[list[str], str]:
    assert answer.status_code == 200, answer.content
    assert answer.json()["previous"] is None
    return [event["target"]["label"] for event in answer.json()["results"]], path_of(answer.json()["next"])


def followed(reader: Api, address: str) -> Iterator[str]:
    """Yield the labels of a feed until a page is empty."""
    labels, address = page_of(reader.get(address))
    while labels:
        yield from labels
        labels, address = page_of(reader.get(address))


def test_a_feed_begins_at_the_first_event_and_ends_at_the_last(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    for number in range(12):
        happen(str(number))
    assert len(page_of(audrey.get("audit?after=&page_size=5"))[0]) == 5
    found = list(followed(audrey, "audit?after=&page_size=5"))
    assert found == list(Event.objects.order_by("sequence").values_list("target_label", flat=True))


def test_a_feed_goes_on_with_what_happens_later(cast: Cast) -> None:
    audrey, last = as_user(cast.audrey), happen("before")
    labels, address = page_of(audrey.get(f"audit?after={cursor_of(last)}"))
    assert labels == []
    happen("first")
    happen("second")
    labels, address = page_of(audrey.get(address))
    assert labels == ["first", "second"]
    assert page_of(audrey.get(address))[0] == []


def test_an_owners_feed_has_the_events_of_their_organization_alone(cast: Cast) -> None:
    alice, start = as_user(cast.alice), cursor_of(happen("before"))
    for number in range(6):
        happen(f"acme {number}", cast.acme.pk)
        happen(f"umbrella {number}", cast.umbrella.pk)
        happen("everybody's")
    found = list(followed(alice, f"audit?after={start}&page_size=2"))
    assert found == [f"acme {number}" for number in range(6)]


def test_an_owners_cursor_never_names_an_event_that_they_may_not_read(cast: Cast) -> None:
    alice = as_user(cast.alice)
    own = happen("acme", cast.acme.pk)
    happen("umbrella", cast.umbrella.pk)
    address = path_of(alice.get("audit?after=").json()["next"])
    assert address.endswith(f"after={cursor_of(own)}")


def test_a_feed_can_be_filtered(cast: Cast) -> None:
    audrey, start = as_user(cast.audrey), cursor_of(happen("before"))
    key = make_key(cast.alice)
    happen("refused")
    found = [*followed(audrey, f"audit?event=api_key:refused&page_size=1&after={start}")]
    assert found == ["refused"]
    assert [*followed(audrey, f"audit?target={key.row.uuid}&after={start}")] == ["a key"]


@pytest.mark.django_db(transaction=True)
def test_a_feed_misses_nothing_that_is_committed_while_it_is_read(cast: Cast) -> None:
    """Writers begin and commit in no order, for two organizations."""
    alice, start = as_user(cast.alice), f"audit?page_size=3&after={cursor_of(happen('before'))}"
    owners = (cast.acme.pk, cast.umbrella.pk)
    together = threading.Barrier(WRITERS + 1)

    def write(name: int) -> None:
        together.wait()
        for number in range(EACH):
            with transaction.atomic():
                happen(f"{name} {number}", owners[number % 2])
                happen(f"{name} {number} too", owners[0])
        connection.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in range(WRITERS)]
    for each in writers:
        each.start()
    together.wait()
    found, address = list[str](), start
    while any(each.is_alive() for each in writers):
        labels, address = page_of(alice.get(address))
        found += labels
    found += followed(alice, address)
    events = Event.objects.filter(name=EventName.API_KEY_REFUSED, organization_id=owners[0])
    assert found == list(events.order_by("sequence").values_list("target_label", flat=True))
    assert len(found) == WRITERS * (EACH + EACH // 2 + 1)


def test_a_cursor_of_another_history_is_gone(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    with transaction.atomic():
        lost = cursor_of(happen("lost"))
        transaction.set_rollback(True)
    assert_problem(audrey.get(f"audit?after={lost}"), 410, "gone")
    kept = happen("kept")
    assert cursor_of(kept).partition(".")[0] == lost.partition(".")[0]
    assert_problem(audrey.get(f"audit?after={lost}"), 410, "gone")
    assert page_of(audrey.get(f"audit?after={cursor_of(kept)}"))[0] == []


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("after=zzz", "after"),
        ("after=1", "after"),
        (f"after=0.{'0' * 64}", "after"),
        (f"after=1.{'A' * 64}", "after"),
        (f"after=%D9%A1.{'a' * 64}", "after"),
        (f"after={'9' * 19}.{'a' * 64}", "after"),
        ("after=%00", "after"),
        ("after=&after=", "after"),
        ("after=&cursor=cD0x", "cursor"),
        ("after=&ordering=occurred_at", "ordering"),
        ("after=&page_size=0", "page_size"),
    ],
)
def test_a_wrong_parameter_of_a_feed_is_named(cast: Cast, query: str, member: str) -> None:
    assert_problem(as_user(cast.audrey).get(f"audit?{query}"), 400, "invalid", member)


@pytest.mark.parametrize(("after", "said"), [("z" * 100, "is not a valid cursor"), ("z" * 101, "100")])
def test_what_is_wrong_with_a_cursor_is_said(cast: Cast, after: str, said: str) -> None:
    problem = assert_problem(as_user(cast.audrey).get(f"audit?after={after}"), 400, "invalid", "after")
    assert said in problem["errors"][0]["detail"]


def test_news_leave_a_lease_after_they_were_read(cast: Cast, lease: Callable[[float], None]) -> None:
    audrey = as_user(cast.audrey)
    start = cursor_of(happen("before"))
    lease(3600)
    with deferring() as deferral:
        audrey.get(f"audit?after={start}")
        assert deferral.seconds_left() < 0
        happen("news")
        audrey.get(f"audit?after={start}")
        assert deferral.seconds_left() > 3500


def test_a_page_costs_one_query_more_than_a_lists(cast: Cast) -> None:
    audrey, start = as_user(cast.audrey), cursor_of(happen("before"))
    happen("news")
    counts = []
    for query in ("search=", f"after={start}"):
        with CaptureQueriesContext(connection) as captured:
            assert audrey.get(f"audit?{query}").status_code == 200
        counts.append(len([sql for sql in statements(captured) if not sql.startswith("SET LOCAL")]))
    assert counts[1] == counts[0] + 1


def test_a_position_reads_what_it_writes() -> None:
    position = Position(42, bytes(range(32)))
    assert Position.read(position.text) == position
    assert (BEGINNING.text, Position.read("")) == ("", BEGINNING)
