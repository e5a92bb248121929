"""Reports by everybody: queued without a look at any key, and looked up in the background."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from accounts.mail.delivery import send_due
from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.notices.models import KeyNews
from apikeys.notices.writing import release
from audit.models import Event
from config import profiles
from leaks.models import LeakReport
from leaks.services import reports
from leaks.services.reports import look_up_reports
from tests.accounts.helpers import at_once, statements
from tests.accounts.mailbox import Mailbox
from tests.at_rest import everything_stored
from tests.conftest import Api, Cast, assert_problem, make_key, with_key

pytestmark = pytest.mark.requirement(131, 132)

TAKEN = {"message": "Thank you. Every text that is a key stops working in a few seconds."}


def invented() -> str:
    return key_text.mint(profiles.active().keys.environments["live"])


def send(*tokens: object) -> int:
    response = Api().post("/leaks", {"tokens": list(tokens)})
    if response.status_code == 202:
        assert response.json() == TAKEN
    status: int = response.status_code
    return status


def test_a_reported_key_does_not_work_any_more_after_the_next_round(cast: Cast, mailbox: Mailbox) -> None:
    key, other = make_key(cast.alice, "keys:read"), make_key(cast.alice, "keys:read")
    assert send(f" {key.text}\n", "not a key") == 202
    assert with_key(key).get("api-keys").status_code == 200
    look_up_reports()
    assert with_key(key).get("api-keys").status_code == 401
    assert with_key(other).get("api-keys").status_code == 200
    assert not LeakReport.objects.exists()
    event = Event.objects.get(name="api_key:leaked")
    assert (event.detail["through"], event.actor_kind, event.ip) == ("public", "anonymous", "127.0.0.1")
    release()
    send_due()
    text = mailbox.to("alice@example.org")[0].get_body(("plain",))
    assert text is not None and "reported by somebody who found it" in text.get_content()


def test_no_answer_tells_whether_a_text_is_a_key(cast: Cast) -> None:
    """Nor does the time: the statements are the same, and none reads the table of keys."""
    key, unknown = make_key(cast.alice), invented()
    captured = {}
    for text in (key.text, unknown):
        with CaptureQueriesContext(connection) as captured[text]:
            answer = Api().post("/leaks", {"tokens": [text]})
        assert (answer.status_code, answer.json()) == (202, TAKEN)
    for sent in captured.values():
        assert [sql.split()[0] for sql in statements(sent)] == ["INSERT", "SELECT", "INSERT"]
        assert "apikeys_apikey" not in "".join(statements(sent))


def test_the_texts_are_not_kept(cast: Cast) -> None:
    key, text = make_key(cast.alice), "a text that nobody keeps"
    send(key.text, text)
    stored = everything_stored()
    assert key.text not in stored and text not in stored


def test_texts_without_a_valid_checksum_are_not_even_queued(db: None) -> None:
    key = invented()
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    long = "kh_live_" + "x" * 5_000
    assert send(wrong, key[:-1], f"{key}0", long, "", "ключ", "\ud83d\ude00", "\0", key.upper()) == 202
    assert not LeakReport.objects.exists()


def test_a_lone_half_of_a_surrogate_pair_is_a_text_like_any_other(db: None) -> None:
    body = b'{"tokens": ["\\ud83d"]}'
    assert Api().client.post("/leaks", body, content_type="application/json").status_code == 202


def test_a_thousand_texts_are_taken_and_one_more_is_refused(db: None) -> None:
    assert send(*["a text"] * 1_000) == 202
    problem = assert_problem(Api().post("/leaks", {"tokens": ["a text"] * 1_001}), 400, "invalid", "tokens")
    assert problem["errors"][0]["detail"] == "Send at most 1,000 texts."


@pytest.mark.parametrize(
    ("tokens", "words"),
    [([], "at least one"), ("a", "a list"), ([1], "a list"), ([None], "a list"), ([["a"]], "a list")],
)
def test_other_lists_are_refused(db: None, tokens: object, words: str) -> None:
    problem = assert_problem(Api().post("/leaks", {"tokens": tokens}), 400, "invalid", "tokens")
    assert words in problem["detail"]


@pytest.mark.parametrize(
    "body", [b"", b'{"tokens": ["a"', b"[]", b"{}", b'{"tokens": ["a"], "more": 1}', b"\xff"]
)
def test_other_bodies_are_refused(db: None, body: bytes) -> None:
    assert_problem(Api().client.post("/leaks", body, content_type="application/json"), 400)


def test_a_body_of_more_than_a_mebibyte_is_413(db: None) -> None:
    assert_problem(Api().post("/leaks", {"tokens": ["x" * 1_048_576]}), 413)


def test_one_address_reports_sixty_times_an_hour(db: None) -> None:
    assert [send("a text") for _ in range(60)] == [202] * 60
    response = Api().post("/leaks", {"tokens": ["a text"]})
    assert_problem(response, 429, "too_many_attempts")
    assert int(response.headers["Retry-After"]) > 0


def test_the_queue_is_bounded_and_says_so_before_it_reads_a_text(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_WAITING", 3)
    key = make_key(cast.alice)
    assert [send(invented()) for _ in range(4)] == [202, 202, 202, 429]
    assert [send(key.text), send("a text")] == [429, 429]
    look_up_reports()
    assert send(key.text) == 202


def test_a_thousand_texts_cost_the_background_one_look_at_the_keys(cast: Cast) -> None:
    make_key(cast.alice)
    assert send(*[invented() for _ in range(1_000)]) == 202
    with CaptureQueriesContext(connection) as captured:
        look_up_reports()
    found = statements(captured)
    assert sum('FROM "apikeys_apikey"' in sql for sql in found) == 1
    assert len(found) == 4  # which reports wait, this report, its keys, its end
    assert not LeakReport.objects.exists()


def test_nothing_waits_nothing_is_done(db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        look_up_reports()
    assert len(captured) == 1


def test_a_round_ends_so_that_mail_goes_on(db: None, settings: Settings) -> None:
    at = timezone.now()
    LeakReport.objects.bulk_create(LeakReport(digests=bytes(32), reported_at=at) for _ in range(50))
    look_up_reports()
    assert LeakReport.objects.count() == 50 - reports.IN_A_ROUND


def test_a_key_under_an_older_pepper_is_found(cast: Cast, settings: Settings) -> None:
    key = make_key(cast.alice)
    settings.PEPPERS = {**settings.PEPPERS, max(settings.PEPPERS) + 1: bytes(32)}
    send(key.text)
    look_up_reports()
    assert ApiKey.objects.get(pk=key.row.pk).disabled_at is not None


def test_a_key_reported_a_hundred_times_is_one_event_and_one_mail(cast: Cast) -> None:
    key = make_key(cast.mallory)
    for _ in range(5):
        send(key.text, key.text)
    look_up_reports()
    assert Event.objects.filter(name="api_key:leaked").count() == 1
    assert KeyNews.objects.filter(mail__address="mallory@example.org").count() == 1


def test_an_expired_key_is_left_alone(cast: Cast) -> None:
    key = make_key(cast.alice)
    past = timezone.now() - timedelta(days=1)
    ApiKey.objects.update(created_at=past - timedelta(days=1), expires_at=past)
    send(key.text)
    look_up_reports()
    assert not Event.objects.filter(name="api_key:leaked").exists()


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_two_processes_that_look_up_at_once_disable_a_key_once(cast: Cast) -> None:
    key = make_key(cast.charlie)
    for _ in range(3):
        send(key.text)
    at_once(lambda _: look_up_reports(), times=3)
    assert not LeakReport.objects.exists()
    assert Event.objects.filter(name="api_key:disabled").count() == 1
    assert KeyNews.objects.filter(mail__address="charlie@example.org").count() == 1


def test_reports_wait_while_the_profile_takes_none(cast: Cast) -> None:
    key = make_key(cast.alice)
    send(key.text)
    profile = profiles.active()
    with profiles.override(profiles.Profile("test", replace(profile.file, leaks=None))):
        look_up_reports()
    assert LeakReport.objects.count() == 1
