"""A login goes on only as long as its provider knows the person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import background
from accounts.models import Session
from audit.models import Event
from federation.models import Grant
from federation.protocol import turns
from federation.protocol.turns import turn_of
from federation.services.asking_again import ASKED_EVERY, GRACE, clear_ended
from tests.conftest import Cast
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, logs_in
from tests.federation.real import Browser

pytestmark = pytest.mark.once
GONE = (400, b'{"error": "invalid_grant"}')


@pytest.fixture
def alice(cast: Cast, fake: FakeProvider) -> Browser:
    """Alice, whose provider gives refresh tokens."""
    set_up(cast, fake.issuer)
    fake.grant["refresh_token"] = "the first token"
    browser = Browser()
    logs_in(fake, browser)
    return browser


def later(browser: Browser, **passed: timedelta) -> bool:
    """Whether the login goes on when so much time has passed, and the person visits a page again."""
    usual = {"asked": ASKED_EVERY, "answered": ASKED_EVERY, **passed}
    now = timezone.now()
    Session.objects.update(last_seen_at=now - timedelta(minutes=2))
    Grant.objects.update(asked_at=now - usual["asked"], answered_at=now - usual["answered"])
    return browser.here.get("/account/sessions").status_code == 200


@pytest.mark.requirement(183)
def test_a_person_who_is_gone_at_the_provider_is_logged_out(alice: Browser, fake: FakeProvider) -> None:
    assert later(alice)
    fake.answers["/token"] = GONE
    assert not later(alice)
    event = Event.objects.get(name="session:ended")
    assert event.detail == {"by": "provider", "reason": "gone at the provider"}
    fake.answers.clear()
    assert not later(alice)


@pytest.mark.requirement(183)
def test_the_refresh_token_is_stored_encrypted_and_replaced(alice: Browser, fake: FakeProvider) -> None:
    assert "the first token" not in Grant.objects.get().refresh_token
    before = Grant.objects.get().refresh_token
    fake.grant["refresh_token"] = "the second token"
    assert later(alice)
    assert Grant.objects.get().refresh_token != before


@pytest.mark.requirement(183)
@pytest.mark.parametrize("column", ["ended_at", "expires_at"])
def test_the_refresh_token_goes_with_its_login(column: str, alice: Browser, fake: FakeProvider) -> None:
    other = Grant.objects.get().session
    logs_in(fake)
    Session.objects.filter(pk=other.pk).update(**{column: timezone.now()})
    clear_ended()
    assert Grant.objects.get().session != other
    assert (clear_ended, "refresh tokens not deleted yet") in background._jobs


@pytest.mark.requirement(184)
def test_the_provider_is_asked_at_most_every_few_minutes(alice: Browser, fake: FakeProvider) -> None:
    asked = fake.asked["/token"]
    assert later(alice, asked=ASKED_EVERY - timedelta(seconds=30))
    assert fake.asked["/token"] == asked
    assert later(alice)
    assert alice.here.get("/account/sessions").status_code == 200
    assert fake.asked["/token"] == asked + 1


@pytest.mark.requirement(184)
@pytest.mark.parametrize(
    "fault", [(500, b"down"), (401, b'{"error": "invalid_client"}'), (200, b"no JSON"), (302, b"")], ids=str
)
def test_a_provider_that_does_not_answer_logs_nobody_out_before_the_grace(
    fault: tuple[int, bytes], alice: Browser, fake: FakeProvider
) -> None:
    fake.answers["/token"] = fault
    assert later(alice, answered=GRACE - timedelta(minutes=1))
    assert not later(alice, answered=GRACE + timedelta(minutes=1))
    assert Event.objects.get(name="session:ended").detail["reason"] == "the provider does not answer"


@pytest.mark.requirement(184)
def test_a_question_that_this_process_had_no_turn_for_logs_nobody_out(
    alice: Browser, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITS_SECONDS", 0)
    asked = fake.asked["/token"]
    with turn_of(fake.issuer):
        assert later(alice, answered=GRACE + timedelta(minutes=1))
    assert fake.asked["/token"] == asked


@pytest.mark.parametrize("given", [{}, {"refresh_token": None}], ids=["no member", "null"])
def test_a_login_whose_provider_gives_no_refresh_token_goes_on(
    given: dict[str, None], cast: Cast, fake: FakeProvider
) -> None:
    set_up(cast, fake.issuer)
    fake.grant |= given
    browser = Browser()
    logs_in(fake, browser)
    asked = fake.asked["/token"]
    assert later(browser) and fake.asked["/token"] == asked
