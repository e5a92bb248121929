"""A provider says that a person logged out there while their login here is under way."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections
from django.db.models import Model
from django.db.models.signals import post_save
from django.utils import timezone

from accounts.models import Organization, Session, User
from audit.models import Event
from federation.models import Identity, Logout, Provider
from federation.protocol.faults import RefusedByProvider
from federation.services import logging_in, logouts
from federation.services.logging_in import Returned
from federation.services.vouching import Vouched
from tests.accounts.helpers import caller_as, rows_are_locked, until_somebody_waits
from tests.conftest import PASSWORD, Cast, add_user
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, back, logs_in
from tests.federation.real import Browser
from tests.federation.test_back_channel_logout import open_sessions, sent, token

SAYS_SO = "You were logged out at your identity provider meanwhile."
pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(cast: Cast, fake: FakeProvider) -> Provider:
    """The provider of Acme, with whose documents somebody has just logged in."""
    found = set_up(cast, fake.issuer)
    assert logs_in(fake, sub="somebody", email="somebody@acme.example", sid="other").status_code == 302
    return found


@pytest.fixture
def word(cast: Cast, fake: FakeProvider, provider: Provider) -> Callable[..., Vouched]:
    """What the provider says of alice when a login that has begun comes back from it."""
    origin = caller_as(cast.alice).origin

    def given(**changed: object) -> Vouched:
        flow, address = logging_in.begin(provider=provider, back="", is_proof=False, origin=origin)
        fake.says(fake.claims(address, **changed))
        [state] = parse_qs(urlsplit(address).query)["state"]
        returned = Returned(state=state, code="a code")
        return logging_in.word_of_provider(flow=flow, returned=returned, origin=origin)

    return given


def arrives(cast: Cast, vouched: Vouched) -> Session:
    origin = caller_as(cast.alice).origin
    return logging_in.arrive(vouched=vouched, origin=origin, user_agent="", longest=timedelta(hours=1))


def is_refused(cast: Cast, vouched: Vouched) -> bool:
    """Whether the login ends because of a logout, which is then recorded."""
    try:
        arrives(cast, vouched)
    except RefusedByProvider as error:
        assert error.detail.startswith(SAYS_SO)
        failures = Event.objects.filter(name="login:failed", detail__reason="logged out at the provider")
        assert failures.exists()
        return True
    return False


@pytest.mark.once
@pytest.mark.requirement(181)
@pytest.mark.parametrize(
    ("said", "sid", "ends"),
    [
        ({}, "desk", True),
        ({}, None, True),
        ({"sid": "desk"}, "desk", True),
        ({"sid": "desk", "sub": None}, "desk", True),
        ({"sid": "desk"}, None, True),  # the session that it names may be this one
        ({"sid": "phone"}, "desk", False),
        ({"sid": "phone", "sub": None}, None, False),
        ({"sub": "somebody"}, "desk", False),
        ({"sub": "somebody", "sid": "desk"}, "desk", False),
    ],
)
def test_a_logout_after_the_exchange_ends_the_logins_that_it_means(
    said: dict[str, Any],
    sid: str | None,
    ends: bool,
    cast: Cast,
    fake: FakeProvider,
    word: Callable[..., Vouched],
) -> None:
    vouched = word(sid=sid)
    assert sent(token(fake, **said)) == 200
    assert is_refused(cast, vouched) == ends
    assert not is_refused(cast, word(sid="another session"))  # of which the provider was asked after it


@pytest.mark.once
@pytest.mark.requirement(181)
def test_an_ended_session_of_the_provider_opens_no_login_later(
    cast: Cast, fake: FakeProvider, word: Callable[..., Vouched]
) -> None:
    assert sent(token(fake, sid="desk")) == 200
    assert is_refused(cast, word(sid="desk"))


@pytest.mark.once
@pytest.mark.requirement(181)
def test_a_logout_while_the_person_types_their_own_password_is_told_on_a_page(
    cast: Cast, provider: Provider, fake: FakeProvider
) -> None:
    Organization.objects.filter(pk=cast.acme.pk).update(requires_provider=True)
    known = add_user("anna", memberships=[(cast.acme, "developer")])
    User.objects.filter(pk=known.pk).update(email="alice@acme.example", email_key="alice@acme.example")
    browser = Browser()
    page = logs_in(fake, browser, sid="desk").headers["Location"]
    assert sent(token(fake)) == 200
    answer = browser.here.post(page, {"identifier": "anna", "password": PASSWORD})
    assert (answer.status_code, SAYS_SO in answer.content.decode()) == (403, True)
    assert not Session.objects.filter(user=known, ended_at=None).exists()
    assert logs_in(fake, browser, sid="new").status_code == 302
    assert open_sessions() == ["other", "new"]


@pytest.mark.once
@pytest.mark.requirement(181)
def test_the_page_of_a_login_that_a_logout_has_ended_says_so(provider: Provider, fake: FakeProvider) -> None:
    browser = Browser()
    address = browser.begins()
    fake.says(fake.claims(address, sid="desk"))
    assert sent(token(fake, sid="desk")) == 200
    answer = browser.comes_back(back(address))
    assert (answer.status_code, SAYS_SO in answer.content.decode()) == (403, True)


@contextmanager
def once_stored(model: type[Model], work: Callable[[], object]) -> Iterator[list["Future[object]"]]:
    """Let `work` begin in a thread when the block has stored a row, and go on when it has committed that."""
    working: list[Future[object]] = []

    def run() -> object:
        try:
            return work()
        finally:
            connections.close_all()

    def begin(**_: object) -> None:
        working.append(pool.submit(run))
        until_somebody_waits(working[0])

    with ThreadPoolExecutor(1) as pool:
        post_save.connect(begin, sender=model)
        try:
            yield working
        finally:
            post_save.disconnect(begin, sender=model)


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(181)
def test_a_logout_waits_for_the_login_that_is_just_being_stored_and_ends_it(
    cast: Cast, fake: FakeProvider, word: Callable[..., Vouched]
) -> None:
    vouched, text = word(sid="desk"), token(fake)
    with once_stored(Session, lambda: sent(text)) as logout:
        arrives(cast, vouched)
    assert [each.result() for each in logout] == [200]
    assert open_sessions() == ["other"]


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(181)
def test_a_login_waits_for_the_logout_that_is_just_being_stored_and_is_refused(
    cast: Cast, fake: FakeProvider, word: Callable[..., Vouched]
) -> None:
    vouched = word(sid="desk")
    with once_stored(Logout, lambda: is_refused(cast, vouched)) as login:
        assert sent(token(fake)) == 200
    assert [each.result() for each in login] == [True]
    assert open_sessions() == ["other"]


@pytest.mark.once
@pytest.mark.requirement(181)
def test_logouts_are_remembered_in_bounds_and_for_as_long_as_a_login_may_take(
    provider: Provider, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logouts, "MOST_KEPT", 2)
    for name in ("one", "two", "three"):
        assert sent(token(fake, jti=name, sid=name)) == 200
    assert list(Logout.objects.order_by("pk").values_list("sid", flat=True)) == ["two", "three"]
    logouts.clear_ended()
    assert Logout.objects.count() == 2
    Logout.objects.filter(sid="two").update(ends_at=int(timezone.now().timestamp()))
    logouts.clear_ended()
    assert Logout.objects.get().ends_at >= timezone.now().timestamp() + 1200
    provider.delete()
    assert not Logout.objects.exists()
    assert Identity.objects.filter(subject="somebody").exists()
