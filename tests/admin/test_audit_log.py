"""The audit log in the admin: to read."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import format_html

from access.backoffice.spool import KEPT_FOR_ONE
from audit.actors import ANONYMOUS, Actor, Origin
from audit.events import EventName
from audit.log import record, verify
from audit.models import Event
from config.wire.fields import timestamp
from tests.admin.helpers import messages_of, page, text_of
from tests.audit.broken import tamper
from tests.conftest import Cast, make_key
from tests.logins import browser

pytestmark = pytest.mark.databases

LIST = "audit_event_changelist"
CHANGE = "audit_event_change"


@pytest.fixture
def audrey(cast: Cast) -> Client:
    return browser(cast.audrey)


def names(client: Client, **query: Any) -> list[str]:
    return [event.name for event in client.get(page(LIST), query).context["cl"].queryset]


def test_events_are_searched_by_what_one_knows_of_them(audrey: Client, cast: Cast) -> None:
    key = make_key(cast.acme, name="deploy").row
    login = Event.objects.filter(name="login:succeeded").latest("sequence")
    assert names(audrey, q=str(key.uuid)) == ["api_key:created"]
    assert names(audrey, q="deploy") == names(audrey, q=" dep ") == ["api_key:created"]
    assert names(audrey, q="ploy") == names(audrey, q="deploy key") == []
    assert names(audrey, q=str(cast.audrey.uuid)) == ["login:succeeded", "user:created"]
    assert names(audrey, q=login.request_id) == ["login:succeeded"]
    assert names(audrey, q="127.0.0.1") == ["login:succeeded"]
    assert set(names(audrey, name__exact="member:added")) == {"member:added"}


@pytest.mark.requirement(109)
def test_no_search_and_no_filter_reads_all_events(cast: Cast) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no index of beginnings without regard to case, and reads the rows")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    narrowed = [Event.objects.filter(**{name: "x"}) for name in ("name", "actor_kind")]
    for found in (Event.objects.matching("deploy"), *narrowed):
        plan = found.order_by().explain()
        assert "Index Cond" in plan and "Seq Scan" not in plan


def test_events_are_narrowed_by_kind_and_time(audrey: Client, cast: Cast) -> None:
    old = Origin("192.0.2.1", "x", timezone.now() - timedelta(days=2))
    record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=old)
    assert names(audrey, kind="refusals") == ["login:failed"]
    assert names(audrey, kind="refusals", time="1d") == []
    assert names(audrey, kind="logins", time="7d") == ["login:failed", "login:succeeded"]
    assert "login:failed" not in names(audrey, kind="changes")
    assert names(audrey, q="login:failed") == ["login:failed"]


@pytest.mark.parametrize(("span", "hours"), [("1h", 1), ("1d", 24), ("7d", 168), ("14d", 336), ("90d", 2160)])
def test_a_span_of_time_ends_now_and_is_as_long_as_it_says(
    audrey: Client, cast: Cast, span: str, hours: int
) -> None:
    for name, minutes in ((EventName.LOGIN_FAILED, 30), (EventName.LOGIN_SUCCEEDED, -30)):
        at = timezone.now() - timedelta(hours=hours, minutes=minutes)
        record(name, actor=ANONYMOUS, origin=Origin("192.0.2.1", "x", at))
    assert names(audrey, time=span, q="192.0.2.1") == ["login:succeeded"]


def test_events_are_narrowed_by_every_kind_of_actor(audrey: Client, cast: Cast) -> None:
    client = Actor("oauth2", str(cast.audrey.uuid), "a board")
    record(EventName.API_KEY_REVOKED, actor=client, origin=Origin("192.0.2.1", "x", timezone.now()))
    assert names(audrey, actor="oauth2") == ["api_key:revoked"]
    assert names(audrey, actor="anonymous") == []
    text = text_of(audrey.get(page(LIST)))
    words = {"user": "people", "api_key": "keys", "oauth2": "OAuth2 clients", "operator": "operators"}
    for kind, word in {**words, "anonymous": "nobody known"}.items():
        assert re.search(rf'href="\?actor={kind}"[^>]*>\s*{word}\s*</a>', text), kind


def test_events_are_exported_as_they_are_shown(audrey: Client, cast: Cast) -> None:
    make_key(cast.acme, name="=1+1")
    event = Event.objects.latest("sequence")
    sent = {"action": "export", "_selected_action": [event.pk]}
    response: Any = audrey.post(page(LIST), sent)
    (row,) = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"), newline=""))
    assert row == {
        "sequence": str(event.pk),
        "time": timestamp(event.occurred_at),
        "name": "api_key:created",
        "actor_kind": "operator",
        "actor_id": "",
        "actor_label": event.actor_label,
        "target_kind": "api_key",
        "target_id": event.target_id,
        "target_label": "'=1+1",
        "ip": event.ip,
        "request_id": event.request_id,
        "detail": json.dumps(event.detail),
        "hash": bytes(event.hash).hex(),
    }
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'


def test_reading_an_export_asks_the_database_nothing_and_unread_exports_are_limited(
    audrey: Client, cast: Cast
) -> None:
    sent = {"action": "export", "select_across": "1", "_selected_action": ["1"]}
    kept: list[Any] = [audrey.post(page(LIST), sent) for _ in range(KEPT_FOR_ONE)]
    refused = audrey.post(page(LIST), sent, follow=True)
    assert messages_of(refused) == ["You are downloading 2 exports. Try again when one is finished."]
    with CaptureQueriesContext(connection) as captured:
        assert len(b"".join(kept[0].streaming_content)) == int(kept[0].headers["Content-Length"])
    assert captured.captured_queries == []
    assert audrey.post(page(LIST), sent).status_code == 200
    assert browser(cast.ada).post(page(LIST), sent).status_code == 200


def test_an_export_holds_only_what_one_sees(cast: Cast) -> None:
    sent = {"action": "export", "select_across": "1", "_selected_action": ["1"]}
    response: Any = browser(cast.alice).post(page(LIST), sent)
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    seen = {str(event.pk) for event in Event.objects.filter(organization_id=cast.acme.pk)}
    assert {row["sequence"] for row in rows} == seen


def test_the_list_says_whether_the_chain_is_unbroken(audrey: Client, cast: Cast) -> None:
    assert f"unbroken</strong> up to event {Event.objects.latest('sequence').pk}" in text_of(
        audrey.get(page(LIST))
    )
    assert "unbroken" not in text_of(browser(cast.alice).get(page(LIST)))
    tamper("UPDATE audit_event SET ip = %s WHERE sequence = 3", "192.0.2.1")
    text = text_of(audrey.get(page(LIST)))
    assert "broken</strong> event 3 was changed" in text and "unbroken" not in text


def test_the_list_checks_the_newest_events_and_says_how_many(
    audrey: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("access.audit_log.admin.MOST_CHECKED", 2)
    tamper("UPDATE audit_event SET ip = %s WHERE sequence = 3", "192.0.2.1")
    text = text_of(audrey.get(page(LIST)))
    assert "unbroken" in text and "the newest 2 events were checked now" in text


def test_an_event_is_shown_whole(audrey: Client, cast: Cast) -> None:
    event = Event.objects.filter(name="member:added").latest("sequence")
    text = text_of(audrey.get(page(CHANGE, event.pk)))
    assert bytes(event.hash).hex() in text
    assert format_html(">{}</div>", format_html("<code>{}</code>", json.dumps(event.detail))) in text
    assert str(cast.charlie.uuid) in text
    assert event.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ") in text
    bare = text_of(
        audrey.get(page(CHANGE, record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin.here()).pk))
    )
    for field in ("field-details", "field-actor_label"):
        assert field in text and field not in bare


@pytest.mark.parametrize("who", ["ada", "audrey"])
@pytest.mark.requirement(83)
def test_no_page_adds_changes_or_deletes_events(cast: Cast, who: str) -> None:
    client = browser(getattr(cast, who))
    events = list(Event.objects.order_by("sequence").values())
    number = Event.objects.latest("sequence").pk
    assert client.get(page("audit_event_add")).status_code == 403
    assert client.post(page("audit_event_add"), {"name": "login:failed"}).status_code == 403
    assert client.post(page(CHANGE, number), {"actor_label": "somebody"}).status_code == 403
    assert client.post(page("audit_event_delete", number), {"post": "yes"}).status_code == 403
    client.post(page(LIST), {"action": "delete_selected", "_selected_action": [number], "post": "yes"})
    assert list(Event.objects.order_by("sequence").values())[: len(events)] == events
    assert verify().faults == []


def test_each_page_leads_to_what_the_log_has_about_its_row(cast: Cast) -> None:
    ada = browser(cast.ada)
    address = page("accounts_user_history", cast.bob.pk)
    assert address in text_of(ada.get(page("accounts_user_change", cast.bob.pk)))
    response = ada.get(address, follow=True)
    assert {event.target_id for event in response.context["cl"].queryset} == {str(cast.bob.uuid)}
    assert ada.get(page("accounts_user_history", 999_999)).status_code == 404


def test_who_may_not_read_the_log_is_not_led_there(cast: Cast) -> None:
    key = make_key(cast.mallory).row
    mallory = browser(cast.mallory)
    address = page("apikeys_apikey_history", key.pk)
    assert address not in text_of(mallory.get(page("apikeys_apikey_change", key.pk)))
    assert mallory.get(address, follow=True).status_code == 403
