"""The page on which people log in before a client is allowed anything."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Session
from audit.events import EventName
from audit.models import Event
from tests.accounts.authenticator import enrolled
from tests.conftest import PASSWORD, Cast, as_user
from tests.oauth.flow import BASE, Flow, make_client, text_of

LOGIN = f"{BASE}/login"


def test_it_is_a_session_like_any_other(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice, browser=Client(headers={"User-Agent": "Firefox"}))
    flow.log_in(flow.address())
    listed = as_user(cast.alice).get("auth/sessions").json()["results"]
    assert "Firefox" in [each["device"] for each in listed]
    assert Event.objects.filter(name=EventName.LOGIN_SUCCEEDED, actor_id=str(cast.alice.uuid)).exists()
    assert as_user(cast.alice).post("auth/logout-everywhere").status_code == 204
    assert flow.browser.get(flow.address()).status_code == 302


def test_one_login_opens_the_consent_page_the_console_and_the_admin(cast: Cast) -> None:
    flow = Flow(make_client(), cast.ada)
    flow.log_in(flow.address())
    for path in (flow.address(), "/account/sessions", "/admin/"):
        assert flow.browser.get(path).status_code == 200
    assert Session.objects.count() == 1


@pytest.mark.parametrize("members", [{"password": "wrong"}, {"identifier": "nobody"}, {"password": ""}])
def test_a_wrong_login_says_nothing_about_what_was_wrong(members: dict[str, str], cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    answer = flow.log_in(flow.address(), **members)
    assert answer.status_code in {400, 401}
    assert not Session.objects.exists()
    if members.get("password") != "":
        assert "The name, the password or the code is wrong." in text_of(answer)
        assert Event.objects.filter(name=EventName.LOGIN_FAILED).count() == 1


@pytest.mark.requirement(9)
def test_it_has_the_same_limits(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    answers = [flow.log_in(flow.address(), password="wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert flow.log_in(flow.address()).status_code == 429


def test_people_with_a_second_factor_are_asked_for_it(cast: Cast) -> None:
    app = enrolled(cast.alice)
    flow = Flow(make_client(), cast.alice)
    answer = flow.log_in(flow.address())
    assert answer.status_code == 401
    assert "authenticator app" in text_of(answer)
    assert flow.log_in(flow.address(), totp_code="000000").status_code == 401
    code = app.code()
    assert flow.log_in(flow.address(), totp_code=code).status_code == 302
    assert Session.objects.get().second_factor


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example.org/",
        "//evil.example.org",
        "",
    ],
)
def test_it_sends_nobody_anywhere_else(wanted: str, cast: Cast) -> None:
    answer = Client().post(f"{LOGIN}?next={wanted}", {"identifier": "alice", "password": PASSWORD})
    assert answer["Location"] == "/account/"


def test_the_browsers_cookie_changes_with_the_login(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    first = flow.browser.cookies[settings.SESSION_COOKIE_NAME].value
    flow.browser.post(f"{LOGIN}?next=", {"identifier": "alice", "password": PASSWORD})
    assert flow.browser.cookies[settings.SESSION_COOKIE_NAME].value != first


def test_the_page_wants_its_csrf_token_and_has_no_script(cast: Cast) -> None:
    sent = {"identifier": "alice", "password": PASSWORD}
    assert Client(enforce_csrf_checks=True).post(LOGIN, sent).status_code == 403
    answer = Client().get(LOGIN)
    assert "<script" not in answer.content.decode() and "style=" not in answer.content.decode()
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
