"""A login that failed after the provider: it cannot go on, and the page leads to a new one."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from accounts.models import User
from federation.pages.memory import VOUCHED
from federation.protocol import turns
from federation.protocol.turns import turn_of
from tests.conftest import Cast
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider
from tests.federation.fake import back as returns
from tests.federation.real import Browser

WANTED = "/account/keys?owner=me"
STARTS = re.compile(r'href="(/account/login/organization[^"]*)">Start again<')

pytestmark = pytest.mark.once


def starts_at(answer: Any) -> str:
    [address] = STARTS.findall(answer.content.decode())
    return str(address)


def begun(browser: Browser, fake: FakeProvider, back: str) -> str:
    """Begin; return where the provider sends the browser back."""
    address = browser.begins(back=back)
    fake.says(fake.claims(address))
    return returns(address)


@pytest.mark.requirement(167)
def test_a_login_whose_provider_did_not_answer_starts_again_and_ends_where_the_person_wanted_to_go(
    cast: Cast, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(cast, fake.issuer)
    monkeypatch.setattr(turns, "WAITS_SECONDS", 0)
    browser = Browser()
    there = begun(browser, fake, WANTED)
    with turn_of(fake.issuer):
        silent = browser.comes_back(there)
    reloaded = browser.comes_back(there)
    assert (silent.status_code, reloaded.status_code) == (503, 403)  # the login is spent
    for answer in (silent, reloaded):
        page = browser.here.get(starts_at(answer))
        assert page.context["next"] == WANTED
    ended = browser.comes_back(begun(browser, fake, page.context["next"]))
    assert (ended.status_code, ended.headers["Location"]) == (302, WANTED)
    assert not browser.here.cookies[settings.PROVIDER_COOKIE_NAME].value


@pytest.mark.requirement(165)
def test_an_answer_to_no_login_ends_no_login_that_has_begun(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    browser = Browser()
    there = begun(browser, fake, WANTED)
    forged = browser.comes_back("/account/login/organization/callback?state=forged&code=forged")
    assert forged.status_code == 403
    assert browser.comes_back(there).headers["Location"] == WANTED


def test_the_page_knows_no_way_back_for_a_browser_in_which_no_login_has_begun(cast: Cast) -> None:
    answer = Browser().comes_back("/account/login/organization/callback?state=forged&code=forged")
    assert starts_at(answer) == "/account/login/organization"


def test_a_person_who_links_their_account_too_late_starts_again_with_the_same_way_back(
    cast: Cast, fake: FakeProvider
) -> None:
    set_up(cast, fake.issuer)
    address = "alice@acme.example"
    User.objects.filter(pk=cast.alice.pk).update(email=address, email_key=address)
    browser = Browser()
    page = browser.comes_back(begun(browser, fake, WANTED)).headers["Location"]
    assert browser.here.get(page).status_code == 200
    session = browser.here.session
    session[VOUCHED] |= {"ends_at": 0}
    session.save()
    entry = browser.here.get(page).headers["Location"]
    assert entry == f"/account/login/organization?next={quote(WANTED, safe='')}"
