"""/device: where people type the code, see what is asked and from where, and answer."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import Organization, Session
from audit.events import EventName
from audit.models import Event
from config.limits import Bounds, Limit
from oauth.models import Consent, DeviceCode
from tests.accounts.helpers import at_once
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import console_of, strict
from tests.oauth.devices.flow import ENTRY, Device, device_client, error_of
from tests.oauth.flow import gateway, text_of

pytestmark = pytest.mark.django_db
WRONG = "is wrong, has expired or was answered. Start again on your device"
OTHERS = "BCDF-GHJK"


@pytest.mark.requirement(175)
def test_people_log_in_first_and_come_back_to_the_code(cast: Cast) -> None:
    device, browser = Device(), Client(headers={"Accept": "text/html"})
    asked = browser.get(device.page)
    assert (asked.status_code, asked["Location"]) == (
        302,
        f"/account/login?next={quote(device.page, safe='')}",
    )
    back = browser.post(asked["Location"], {"identifier": "bob", "password": PASSWORD})
    assert (back.status_code, back["Location"]) == (302, device.page)
    assert device.codes["user_code"] in text_of(browser.get(back["Location"]))


@pytest.mark.requirement(175)
def test_the_page_shows_what_is_asked_and_from_where_and_only_a_button_answers(cast: Cast) -> None:
    device, browser = Device(device_client("services:read", "openid")), console_of(cast.bob)
    shown = text_of(browser.get(device.page))
    for said in (
        *("Allow Command line?", "You are bob", device.codes["user_code"], "198.51.100.7", "UTC"),
        *("not the address of this browser", "Know who you are", "services:read", "do not allow it"),
    ):
        assert said in shown, said
    assert error_of(device.poll()) == (400, "authorization_pending")
    assert "the address of this browser" in text_of(browser.get(Device(ip="127.0.0.1").page))


def test_the_page_has_no_script_and_cannot_be_framed(cast: Cast) -> None:
    answer = console_of(cast.bob).get(Device().page)
    assert b"<script" not in answer.content
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "spelled", ["{}", " {} ", "{0[0]} {0[1]}", "{0[0]}{0[1]}", "{0[0]}\N{EN DASH}{0[1]}"]
)
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_code_may_be_typed_in_any_case_with_or_without_a_dash(
    spelled: str, case: Any, cast: Cast
) -> None:
    code: str = Device().codes["user_code"]
    typed = spelled.format(code) if spelled.strip() == "{}" else spelled.format(code.split("-"))
    answer = console_of(cast.bob).get(ENTRY, {"user_code": case(typed)})
    assert "Allow Command line?" in text_of(answer)


@pytest.mark.parametrize(
    "typed", ["", " ", "AEIO-UYAE", "WDJB", "x" * 5_000, "é" * 8, "\0" * 8, "\N{ARABIC-INDIC DIGIT ZERO}" * 8]
)
def test_a_text_that_is_no_code_is_refused_in_the_form_and_not_counted(typed: str, cast: Cast) -> None:
    browser = console_of(cast.bob)
    for _ in range(12):
        answer = browser.get(ENTRY, {"user_code": typed})
    assert answer.status_code == 400 and "Connect a device" in text_of(answer)


@pytest.mark.requirement(176)
def test_a_consent_is_listed_and_can_be_withdrawn(cast: Cast) -> None:
    device, browser = Device(), console_of(cast.bob)
    listed = device.answered(browser)
    assert listed.redirect_chain == [("/account/applications", 302)]
    assert "You allowed Command line. Go back to your device." in text_of(listed)
    token = device.tokens()["access_token"]
    assert gateway(token) == 200
    browser.post("/account/applications", {"consent": str(Consent.objects.get().uuid)})
    assert gateway(token) == 401
    given = Event.objects.get(name=EventName.CONSENT_GIVEN)
    assert given.detail["asked_from"] == device.ip and given.actor_id == str(cast.bob.uuid)


@pytest.mark.requirement(175)
def test_an_answer_needs_the_csrf_token_of_the_login(cast: Cast) -> None:
    device, browser = Device(), console_of(cast.bob)
    assert strict(browser).post(device.page, {"answer": "allow"}).status_code == 403
    assert error_of(device.poll()) == (400, "authorization_pending")


def test_a_page_that_is_still_open_does_not_answer_for_the_next_person(cast: Cast) -> None:
    device = Device()
    browser = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    browser.cookies = console_of(cast.bob).cookies
    page = browser.get(device.page).content.decode()
    old = re.findall(r'csrfmiddlewaretoken" value="([^"]+)', page)[-1]
    browser.cookies = console_of(cast.alice).cookies
    assert browser.post(device.page, {"answer": "allow", "csrfmiddlewaretoken": old}).status_code == 403
    assert not Consent.objects.exists()


@pytest.mark.requirement(173)
def test_after_ten_wrong_codes_a_person_must_wait_wherever_they_are(cast: Cast) -> None:
    browser = console_of(cast.bob)
    for _ in range(10):
        answer = browser.get(ENTRY, {"user_code": OTHERS})
        assert answer.status_code == 400 and WRONG in text_of(answer)
    refused = browser.get(ENTRY, {"user_code": OTHERS})
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 3600
    device = Device()
    assert browser.get(device.page, REMOTE_ADDR="203.0.113.9").status_code == 429
    assert browser.post(device.page, {"answer": "allow"}).status_code == 429
    assert console_of(cast.alice).get(device.page).status_code == 200
    throttled = Event.objects.filter(name=EventName.ATTEMPT_THROTTLED).latest("sequence")
    assert throttled.actor_id == str(cast.bob.uuid) and throttled.detail["limit"] == "user_code"


@pytest.mark.requirement(173)
def test_wrong_codes_of_several_people_count_for_their_address(cast: Cast, settings: Any) -> None:
    settings.LIMITS = settings.LIMITS | {Limit.USER_CODE: Bounds(3600, account=10, address=3)}
    for user in (cast.alice, cast.bob, cast.charlie):
        assert console_of(user).get(ENTRY, {"user_code": OTHERS}).status_code == 400
    mallory = console_of(cast.mallory)
    assert mallory.get(ENTRY, {"user_code": OTHERS}).status_code == 429
    assert mallory.get(ENTRY, {"user_code": OTHERS}, REMOTE_ADDR="203.0.113.9").status_code == 400


@pytest.mark.requirement(173)
def test_right_codes_do_not_count(cast: Cast) -> None:
    browser = console_of(cast.bob)
    for _ in range(12):
        assert browser.get(Device().page).status_code == 200


@pytest.mark.requirement(175)
def test_the_page_does_not_tell_wrong_codes_from_old_ones(cast: Cast) -> None:
    browser, denied, expired = console_of(cast.bob), Device(), Device()
    denied.answered(browser, "deny")
    DeviceCode.objects.filter(client=expired.client.row).update(expires_at=datetime.now(UTC))
    pages = {
        re.sub(r'value="[^"]*"', "", browser.get(page).content.decode())
        for page in (denied.page, expired.page, f"{ENTRY}?user_code={OTHERS}")
    }
    assert len(pages) == 1 and WRONG in pages.pop()


@pytest.mark.requirement(176)
def test_people_grant_only_what_they_hold(cast: Cast) -> None:
    device = Device(device_client("services:read", "services:write", "keys:read"))
    whole = Device(device_client("audit:read"))
    browser = console_of(cast.mallory)
    assert "services:write" not in text_of(browser.get(device.page))
    page = text_of(browser.get(whole.page))
    assert "asks for permissions that you do not have" in page
    whole.answered(browser, "allow")
    assert error_of(whole.poll()) == (400, "access_denied")


@pytest.mark.requirement(176)
def test_a_login_without_the_second_factor_that_an_organization_wants_grants_nothing_of_it(
    cast: Cast,
) -> None:
    Organization.objects.filter(pk=cast.acme.pk).update(requires_second_factor=True)
    device, browser = Device(device_client("services:write")), console_of(cast.bob)
    assert "asks for permissions that you do not have" in text_of(browser.get(device.page))
    device.answered(browser, "allow")
    assert error_of(device.poll()) == (400, "access_denied")
    assert not Consent.objects.exists()


@pytest.mark.requirement(22)
def test_an_old_login_is_renewed_before_a_client_gets_what_makes_keys(cast: Cast) -> None:
    device, browser = Device(device_client("keys:write")), console_of(cast.alice)
    Session.objects.update(created_at=datetime.now(UTC) - timedelta(days=1))
    proof = f"/account/prove?next={quote(device.page, safe='')}"
    assert browser.get(device.page)["Location"] == proof
    assert browser.post(device.page, {"answer": "allow"})["Location"] == proof
    assert not Consent.objects.exists()
    assert browser.post(proof, {"password": PASSWORD})["Location"] == device.page
    device.answered(browser)
    assert device.poll().status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_answer_at_once_one_counts(cast: Cast) -> None:
    device, browsers = Device(), [console_of(cast.alice), console_of(cast.bob)]
    answers = at_once(lambda number: device.answered(browsers[number]), times=2)
    assert sorted("You allowed" in text_of(answer) for answer in answers) == [False, True]
    assert Consent.objects.count() == 1
