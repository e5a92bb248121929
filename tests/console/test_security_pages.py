"""/account/security: the password, the authenticator app and the recovery codes."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Mail, RecoveryCode, SecondFactor, Session, User
from audit.models import Event
from config import profiles
from config.profiles import Capability, Profile
from tests.accounts.authenticator import App, attempt, enrolled, let_codes_be_good_again
from tests.accounts.helpers import serving
from tests.config.profile_texts import SHIPPED
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import (
    AUTHENTICATOR,
    RECOVERY,
    SECRET,
    SECURITY,
    added,
    begun,
    console_of,
    newest,
    strict,
    text_of,
)

NEW = "another walk to another lighthouse"
CHANGE = {"current_password": PASSWORD, "new_password": NEW}
CHANGE_PASSWORD, CODES = f"{SECURITY}/password", f"{SECURITY}/recovery-codes"
NEEDS_PROOF = (f"{AUTHENTICATOR}/replace", f"{AUTHENTICATOR}/remove", CODES)
EVERY_FORM = (CHANGE_PASSWORD, AUTHENTICATOR, f"{AUTHENTICATOR}/confirm", *NEEDS_PROOF)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_pages_work_under_every_profile_and_name_only_what_it_has(
    name: str, served_profile: Callable[[Profile], None], db: None
) -> None:
    served_profile(profile := profiles.load(name))
    person = User(username="pat", email="pat@example.org", role="a role that nobody knows")
    person.set_password(PASSWORD)
    person.save()
    client = console_of(person)
    has_oauth2 = profile.oauth2 is not None
    assert ("connected applications" in text_of(client.get(CHANGE_PASSWORD))) == has_oauth2
    assert len(added(client).recovery_codes) == 10
    for path in (
        SECURITY,
        *EVERY_FORM,
        "/account/profile",
        "/account/profile/email",
        "/account/profile/mails",
    ):
        text = text_of(client.get(path, follow=True))
        assert profile.product.name in text and "<h1>" in text


@pytest.mark.requirement(23)
def test_a_person_adds_an_app_with_its_qr_code_and_stays_logged_in(cast: Cast) -> None:
    client, other = console_of(cast.ada), console_of(cast.ada)
    assert "Add an authenticator app" in text_of(client.get(SECURITY))
    answer = client.post(AUTHENTICATOR, {"password": PASSWORD})
    assert "<svg " in text_of(answer) and "no-store" in answer["Cache-Control"]
    assert (newest().name, other.get(SECURITY).status_code) == ("second_factor:started", 200)
    app = App(SECRET.findall(text_of(answer))[0], [])
    done = client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()})
    codes = RECOVERY.findall(text_of(done))
    assert len(set(codes)) == 10 and "no-store" in done["Cache-Control"]
    assert (newest().name, newest().actor_id) == ("second_factor:added", str(cast.ada.uuid))
    assert (client.get("/admin/").status_code, other.get(SECURITY).status_code) == (200, 302)
    assert "10 of 10 left" in text_of(client.get(SECURITY))
    assert Session.objects.get(user=cast.ada, ended_at=None).second_factor
    assert console_of(cast.ada, totp_code=codes[0])


@pytest.mark.requirement(23)
def test_neither_the_secret_nor_the_codes_are_on_a_page_again(cast: Cast) -> None:
    client = console_of(cast.ada)
    app = begun(client)
    again = client.post(f"{AUTHENTICATOR}/confirm", {"code": "000000"})
    assert again.status_code == 400 and "is wrong" in text_of(again)
    pages = [again, *(client.get(path) for path in (SECURITY, AUTHENTICATOR, f"{AUTHENTICATOR}/confirm"))]
    assert not [page for page in pages if app.secret in text_of(page) or 'class="qr"' in text_of(page)]
    codes = RECOVERY.findall(text_of(client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()})))
    shown = "".join(text_of(client.get(path)) for path in (SECURITY, *EVERY_FORM, "/admin/"))
    assert not [secret for secret in (app.secret, *codes) if secret in shown]


def test_an_app_that_waits_for_its_code_can_be_confirmed_later(cast: Cast) -> None:
    client = console_of(cast.ada)
    assert client.get(f"{AUTHENTICATOR}/confirm")["Location"] == SECURITY
    app = begun(client)
    assert f"{AUTHENTICATOR}/confirm" in text_of(client.get(SECURITY))
    assert client.get(f"{AUTHENTICATOR}/confirm").status_code == 200
    assert client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()}).status_code == 200
    twice = client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()})
    assert twice.status_code == 409 and "waits for confirmation" in text_of(twice)
    assert client.post(AUTHENTICATOR, {"password": PASSWORD}).status_code == 409


@pytest.mark.parametrize("path", NEEDS_PROOF)
@pytest.mark.requirement(22)
def test_a_second_factor_changes_only_with_password_and_code(path: str, cast: Cast) -> None:
    client = console_of(cast.ada)
    app = added(client)
    good = {"password": PASSWORD, "code": app.recovery_codes[0]}
    for wrong, status in (
        ({"password": "not the password"}, 403),
        ({"code": "000000"}, 403),
        ({"code": ""}, 400),
        ({"password": ""}, 400),
        ({"code": "1" * 5000}, 400),
        ({"code": "\0"}, 400),
    ):
        answer = client.post(path, good | wrong)
        assert answer.status_code == status, wrong
        assert "wrong" in text_of(answer) or answer.context["form"].errors.keys() == wrong.keys()
        assert PASSWORD not in text_of(answer)
    assert Event.objects.filter(name="second_factor:refused").count() == 2
    assert (SecondFactor.objects.get().confirmed, RecoveryCode.objects.count()) == (True, 10)


@pytest.mark.requirement(24)
def test_too_many_wrong_codes_are_429(cast: Cast) -> None:
    client = console_of(cast.ada)
    added(client)
    wrong = {"password": PASSWORD, "code": "000000"}
    statuses = [client.post(CODES, wrong).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]


def test_a_person_gets_other_codes_and_removes_the_app(cast: Cast) -> None:
    client = console_of(cast.ada)
    app = added(client)
    made = client.post(CODES, {"password": PASSWORD, "code": app.recovery_codes[0]})
    others = RECOVERY.findall(text_of(made))
    assert (len(others), set(others) & set(app.recovery_codes)) == (10, set())
    assert newest().name == "recovery_codes:replaced"
    proof = {"password": PASSWORD, "code": others[0]}
    done = client.post(f"{AUTHENTICATOR}/remove", proof, follow=True)
    assert "The authenticator app is removed." in text_of(done)
    assert (newest().name, newest().actor_id) == ("second_factor:removed", str(cast.ada.uuid))
    assert client.post(f"{AUTHENTICATOR}/remove", proof).status_code == 409
    assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
    assert not Session.objects.get(user=cast.ada, ended_at=None).second_factor


def test_a_form_that_is_sent_twice_says_that_new_codes_were_made(cast: Cast) -> None:
    client, words = console_of(cast.ada), "You got new recovery codes a moment ago"
    app = begun(client)
    form = {"code": app.code()}
    [first, *others] = RECOVERY.findall(text_of(client.post(f"{AUTHENTICATOR}/confirm", form)))
    assert words in text_of(client.post(f"{AUTHENTICATOR}/confirm", form))
    RecoveryCode.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert words not in text_of(client.post(CODES, {"password": PASSWORD, "code": "000000"}))
    proof = {"password": PASSWORD, "code": first}
    assert len(RECOVERY.findall(text_of(client.post(CODES, proof)))) == 1 + len(others)
    again = text_of(client.post(CODES, proof))
    assert words in again and not RECOVERY.search(again)


@pytest.mark.requirement(22, 23)
def test_a_person_replaces_the_app_by_another(cast: Cast) -> None:
    client, other = console_of(cast.ada), console_of(cast.ada)
    old = added(client)
    answer = client.post(f"{AUTHENTICATOR}/replace", {"password": PASSWORD, "code": old.recovery_codes[0]})
    [secret] = SECRET.findall(text_of(answer))
    assert secret != old.secret and newest().name == "second_factor:started"
    assert "have not confirmed the new one" in text_of(client.get(SECURITY))
    let_codes_be_good_again()
    other = console_of(cast.ada, totp_code=old.code())  # the old app is in force
    let_codes_be_good_again()
    assert client.post(f"{AUTHENTICATOR}/confirm", {"code": old.code()}).status_code == 400
    new = App(secret, [])
    used = new.code()
    done = client.post(f"{AUTHENTICATOR}/confirm", {"code": used})
    codes = RECOVERY.findall(text_of(done))
    assert len(codes) == 10 and not set(codes) & set(old.recovery_codes)
    names = [event.name for event in Event.objects.order_by("-sequence")[:2]]
    assert names == ["second_factor:added", "second_factor:removed"]
    kinds = Mail.objects.values_list("kind", flat=True)
    assert {"second_factor_removed", "second_factor_added"} <= set(kinds)
    assert (client.get(SECURITY).status_code, other.get(SECURITY).status_code) == (200, 302)
    for code in (used, old.recovery_codes[1]):
        assert attempt(cast.ada, totp_code=code).status_code == 401
    let_codes_be_good_again()
    assert attempt(cast.ada, totp_code=old.code()).status_code == 401
    assert console_of(cast.ada, totp_code=new.code())


def test_a_replacement_that_is_never_confirmed_changes_nothing(cast: Cast) -> None:
    client = console_of(cast.ada)
    old = added(client)
    for number in (0, 1):
        proof = {"password": PASSWORD, "code": old.recovery_codes[number]}
        assert SECRET.findall(text_of(client.post(f"{AUTHENTICATOR}/replace", proof)))
    assert RecoveryCode.objects.count() == 8
    let_codes_be_good_again()
    assert console_of(cast.ada, totp_code=old.code())
    assert not Mail.objects.filter(kind="second_factor_removed").exists()


@pytest.mark.parametrize(
    "next_", ["/admin/apikeys/apikey/?o=1", "//evil.example", "https://evil.example", "\0"]
)
def test_the_way_back_leads_only_to_pages_of_ours(next_: str, cast: Cast) -> None:
    client = console_of(cast.ada)
    begun_ = client.post(AUTHENTICATOR, {"password": PASSWORD, "next": next_})
    app = App(SECRET.findall(text_of(begun_))[0], [])
    done = client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code(), "next": next_})
    back = next_ if next_.startswith("/admin/") else SECURITY
    assert f'<a href="{back}" role="button">I have kept them</a>' in text_of(done)
    assert "evil" not in text_of(begun_) + text_of(done)


def test_the_page_after_the_first_code_no_longer_asks_for_an_app(cast: Cast) -> None:
    asked = "Some of your permissions apply only after a login with a second factor."
    with serving("login", second_factor_for=tuple(Capability)):
        client = console_of(cast.ada)
        app = begun(client)
        assert asked in text_of(client.get(SECURITY))
        assert asked not in text_of(client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()}))


def test_the_pages_of_the_lowest_role_are_the_same(cast: Cast) -> None:
    cast.mallory.role = "a role that nobody knows"
    cast.mallory.save()
    client = console_of(cast.mallory)
    assert len(added(client).recovery_codes) == 10
    assert client.get("/account/profile").status_code == client.get(SECURITY).status_code == 200


@pytest.mark.requirement(85)
def test_the_pages_work_under_the_strict_policy(cast: Cast) -> None:
    client = console_of(cast.ada)
    answers = [client.get(path) for path in (SECURITY, *EVERY_FORM)]
    for answer in (*answers, client.post(AUTHENTICATOR, {"password": PASSWORD})):
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text_of(answer))


@pytest.mark.parametrize("path", EVERY_FORM)
@pytest.mark.requirement(88)
def test_a_form_without_a_csrf_token_or_a_login_changes_nothing(path: str, cast: Cast) -> None:
    client = console_of(cast.ada)
    enrolled(cast.bob)
    events = Event.objects.count()
    form = CHANGE | {"password": PASSWORD, "code": "000000"}
    assert strict(client).post(path, form).status_code == 403
    assert Client().post(path, form)["Location"].startswith("/account/login?next=")
    assert Event.objects.count() == events


def test_the_old_address_of_the_admin_leads_here(cast: Cast) -> None:
    assert console_of(cast.ada).get("/admin/second-factor/")["Location"] == SECURITY
