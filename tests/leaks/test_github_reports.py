"""Reports by GitHub: signed, and answered with what the texts are."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.mail.delivery import send_due
from accounts.models import Mail
from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.notices.models import KeyNews, KeyNotice
from apikeys.notices.writing import release
from audit.models import Event
from config import profiles
from tests.accounts.helpers import at_once, serving
from tests.accounts.mailbox import Mailbox
from tests.conftest import Cast, assert_problem, make_key, with_key
from tests.leaks.github import URL, Github, new_key

pytestmark = pytest.mark.requirement(130, 132)


def label(text: str, word: str) -> dict[str, str]:
    hashed = hashlib.sha256(text.encode()).hexdigest()
    return {"token_hash": hashed, "token_type": "keyhouse_key", "label": word}


def invented() -> str:
    return key_text.mint(profiles.active().keys.environments["live"])


def events() -> list[str]:
    return list(
        Event.objects.filter(target_kind="api_key").order_by("sequence").values_list("name", flat=True)
    )


def text_of(mailbox: Mailbox, address: str) -> str:
    body = mailbox.to(address)[0].get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


def told() -> list[str]:
    """To whom something about a key is mailed, once for each key."""
    return sorted(KeyNews.objects.values_list("mail__address", flat=True))


def test_a_reported_key_is_disabled_at_once_and_github_learns_what_each_text_is(
    cast: Cast, github: Github
) -> None:
    key, unknown = make_key(cast.alice, "keys:read"), invented()
    answer = github.report(key.text, unknown, "kh_live_nothing")
    assert answer.status_code == 200
    assert answer.json() == [
        label(key.text, "true_positive"),
        label(unknown, "false_positive"),
        label("kh_live_nothing", "false_positive"),
    ]
    row = ApiKey.objects.get(pk=key.row.pk)
    assert (row.status(timezone.now()), row.version) == ("disabled", 2)
    assert events() == ["api_key:created", "api_key:leaked", "api_key:disabled"]
    leaked = Event.objects.get(name="api_key:leaked")
    assert leaked.detail == {"reason": "reported as leaked", "through": "github", "found_at": URL}
    assert leaked.actor_kind == "anonymous"
    assert with_key(key).get("api-keys").status_code == 401
    assert github.asked == 1


def test_a_profile_can_have_leaked_keys_revoked(cast: Cast, github: Github) -> None:
    key = make_key(cast.alice)
    with serving("leaks", action="revoke"):
        github.report(key.text)
    row = ApiKey.objects.get(pk=key.row.pk)
    assert (row.status(timezone.now()), row.revoked_reason) == ("revoked", "reported as leaked")
    assert events()[1:] == ["api_key:leaked", "api_key:revoked"]


def test_the_owner_and_the_administrators_are_told_where_it_was_found(
    cast: Cast, github: Github, mailbox: Mailbox
) -> None:
    github.report(make_key(cast.bob, name="robot").text, make_key(cast.acme, name="billing").text)
    release()
    send_due()
    assert sorted(mailbox.recipients) == ["ada@example.org", "alice@example.org", "bob@example.org"]
    said = {name: text_of(mailbox, f"{name}@example.org") for name in ("ada", "alice", "bob")}
    assert all(f"found at {URL}" in text for text in said.values())
    assert ("robot" in said["bob"], "billing" in said["bob"]) == (True, False)
    assert ("robot" in said["alice"], "billing" in said["alice"]) == (False, True)
    assert ("robot" in said["ada"], "billing" in said["ada"]) == (True, True)


def test_a_report_sent_again_does_nothing_more_and_gets_the_same_answer(cast: Cast, github: Github) -> None:
    key = make_key(cast.alice)
    first = github.report(key.text).json()
    before = (events(), Mail.objects.count())
    assert github.report(key.text).json() == first
    assert (events(), Mail.objects.count()) == before
    assert github.asked == 1


def test_a_key_that_was_enabled_again_is_disabled_again(cast: Cast, github: Github) -> None:
    key = make_key(cast.alice)
    github.report(key.text)
    ApiKey.objects.update(disabled_at=None)
    Mail.objects.all().delete()
    github.report(key.text)
    assert ApiKey.objects.get().disabled_at is not None
    assert told() == ["ada@example.org", "alice@example.org"]


def test_the_owner_of_a_disabled_key_is_told_that_it_leaked(cast: Cast, github: Github) -> None:
    key = make_key(cast.alice)
    ApiKey.objects.update(disabled_at=timezone.now())
    github.report(key.text)
    assert told() == ["ada@example.org", "alice@example.org"]
    assert events() == ["api_key:created", "api_key:leaked"]


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_key_that_has_ended_is_a_true_positive_and_nothing_is_done(
    cast: Cast, github: Github, ended: str
) -> None:
    key = make_key(cast.alice)
    past = timezone.now() - timedelta(hours=1)
    ApiKey.objects.update(created_at=past - timedelta(hours=1), **{ended: past})
    assert github.report(key.text).json() == [label(key.text, "true_positive")]
    assert (events(), Mail.objects.count()) == (["api_key:created"], 0)


def test_an_address_in_a_report_is_kept_without_the_key_in_it(cast: Cast, github: Github) -> None:
    key = make_key(cast.alice)
    body = [{"token": key.text, "type": "t", "url": f"https://example.org/\n?key={key.text}" + "x" * 5_000}]
    assert github.post(json.dumps(body).encode()).status_code == 200
    kept = Event.objects.get(name="api_key:leaked").detail["found_at"]
    assert key.text not in kept and "\n" not in kept and len(kept) <= 2_000


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b'[{"type": "t"}]', b'[{"token": 1}]', b'[{"token": "a"', b"[" * 100_000, b"\xff"],
    ids=range(8),
)
def test_a_signed_body_of_another_form_is_refused(db: None, github: Github, body: bytes) -> None:
    assert_problem(github.post(body), 400, "invalid", "body")


def test_a_report_may_have_members_that_nobody_knows_yet_and_no_matches(db: None, github: Github) -> None:
    assert github.post(b"[]").json() == []
    assert github.post(b'[{"token": "\xc3\xa9", "later": {}}]').json()[0]["label"] == "false_positive"


def test_a_changed_body_a_foreign_signature_and_garbage_are_refused(cast: Cast, github: Github) -> None:
    key = make_key(cast.alice)
    body = json.dumps([{"token": key.text}]).encode()
    stranger = Github(key=new_key())
    for signature in (github.sign(body + b" "), stranger.sign(body), "AAAA", "no base64", "é", "A" * 199):
        assert_problem(github.post(body, signature=signature), 403, "bad_signature")
    assert ApiKey.objects.get().disabled_at is None


@pytest.mark.parametrize("header", ["identifier", "signature"])
@pytest.mark.parametrize("value", ["", "a" * 201])
def test_both_headers_are_needed(db: None, github: Github, header: str, value: str) -> None:
    member = {"identifier": "Github-Public-Key-Identifier", "signature": "Github-Public-Key-Signature"}[
        header
    ]
    assert_problem(github.post(b"[]", **{header: value}), 400, "invalid", member)


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_the_same_report_twice_at_once_disables_a_key_once_and_sends_one_mail(
    cast: Cast, github: Github
) -> None:
    key = make_key(cast.charlie)
    github.post(b"[]")
    answers = at_once(lambda _: github.report(key.text), times=4)
    assert [answer.json()[0]["label"] for answer in answers] == ["true_positive"] * 4
    assert events() == ["api_key:created", "api_key:leaked", "api_key:disabled"]
    assert (told(), KeyNotice.objects.count()) == (["ada@example.org", "charlie@example.org"], 1)
