"""Adding and removing passkeys on the Security page: proof, what ends, and what is refused."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Mail, Passkey, RecoveryCode, SecondFactor, Session
from audit.models import Event
from tests.accounts.authenticator import App, attempt, let_codes_be_good_again
from tests.accounts.passkeys.authenticator import (
    ADD,
    CONFIRM,
    Authenticator,
    added,
    asked_at,
    at_localhost,
    begun,
    logged_in,
    with_passkey,
)
from tests.conftest import PASSWORD, Api, Cast, as_user
from tests.console.helpers import AUTHENTICATOR, RECOVERY, SECRET, SECURITY, console_of, strict
from tests.oauth.flow import Flow, make_client, with_token

PROOF = {"password": PASSWORD}


def text_of(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def remove_page() -> str:
    return f"{SECURITY}/passkeys/{Passkey.objects.latest('pk').uuid}/remove"


@pytest.mark.requirement(22, 23)
def test_a_new_passkey_counts_at_once_and_ends_what_was_opened_without(cast: Cast) -> None:
    client, other, api = at_localhost(cast.bob), console_of(cast.bob), as_user(cast.bob)
    tokens = Flow(make_client("openid"), cast.bob, scope="openid").tokens()
    codes = added(client, Authenticator(), "Bob's laptop")
    assert len(codes) == 10
    page = text_of(client.get(SECURITY))
    assert "Bob&#x27;s laptop" in page and "10 of 10 left" in page
    assert (other.get(SECURITY).status_code, api.get("auth/me").status_code) == (302, 401)
    assert with_token(tokens).get("auth/me").status_code == 401
    assert Session.objects.get(user=cast.bob, ended_at=None).second_factor
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id) == ("passkey:added", str(cast.bob.uuid))
    assert event.detail == {"passkey": str(Passkey.objects.get().uuid), "name": "Bob's laptop"}
    assert Mail.objects.filter(kind="passkey_added", address=cast.bob.email).exists()


@pytest.mark.requirement(22)
def test_a_passkey_is_added_and_removed_only_with_a_fresh_proof(cast: Cast) -> None:
    client = at_localhost(cast.bob)
    assert client.post(ADD, {"password": "not the password"}).status_code == 403
    codes = added(client, Authenticator())
    for wrong, status in (
        ({"password": "not the password", "code": codes[0]}, 403),
        ({**PROOF, "code": "000000"}, 403),
        (PROOF, 400),
        ({**PROOF, "code": "1" * 5000}, 400),
        ({**PROOF, "passkey": "{}"}, 400),
    ):
        assert client.post(ADD, wrong).status_code == status
        assert client.post(remove_page(), wrong).status_code == status
    assert (Passkey.objects.count(), RecoveryCode.objects.count()) == (1, 10)


def test_a_passkey_that_was_added_is_not_said_to_be_missing_when_its_page_is_reloaded(cast: Cast) -> None:
    client = at_localhost(cast.bob)
    form = {"name": "Laptop", "passkey": Authenticator().made(begun(client))}
    assert RECOVERY.search(text_of(client.post(CONFIRM, form)))
    again = text_of(client.post(CONFIRM, form))
    assert "If your security page does not list the passkey, remove it from your device" in again
    assert "You got new recovery codes a moment ago" in again and "was not added" not in again
    assert Passkey.objects.count() == 1


@pytest.mark.requirement(22)
def test_nothing_is_added_without_the_page_that_follows_the_proof(cast: Cast) -> None:
    client, key = at_localhost(cast.bob), Authenticator()
    asked = begun(client)
    sent = key.made(asked | {"challenge": asked_at(client)["challenge"]})
    refused = client.post(CONFIRM, {"name": "x", "passkey": sent})
    assert refused.status_code == 400 and "does not fit this page" in text_of(refused)
    assert not Passkey.objects.exists() and not SecondFactor.objects.exists()


def test_a_challenge_for_one_browser_or_person_is_not_anothers(cast: Cast) -> None:
    bob, again, alice = at_localhost(cast.bob), at_localhost(cast.bob), at_localhost(cast.alice)
    sent = {"name": "x", "passkey": Authenticator().made(begun(bob))}
    assert [client.post(CONFIRM, sent).status_code for client in (again, alice)] == [400, 400]
    assert not Passkey.objects.exists()
    assert bob.post(CONFIRM, sent).status_code == 200


def test_an_answer_adds_one_passkey(cast: Cast) -> None:
    client = at_localhost(cast.bob)
    sent = {"name": "x", "passkey": Authenticator().made(begun(client))}
    assert client.post(CONFIRM, sent).status_code == 200
    again = client.post(CONFIRM, sent)
    assert again.status_code == 400 and "does not fit this page" in text_of(
        again
    )  # the login has changed since


def test_a_passkey_is_registered_once(cast: Cast) -> None:
    with_passkey(cast.ada)
    client = at_localhost(cast.bob)
    answer = client.post(CONFIRM, {"name": "x", "passkey": Authenticator().made(begun(client))})
    assert answer.status_code == 409 and "registered already" in text_of(answer)
    assert Passkey.objects.count() == 1
    assert not SecondFactor.objects.filter(user=cast.bob).exists()


def test_a_second_passkey_is_added_with_the_first(cast: Cast) -> None:
    first = with_passkey(cast.ada)
    client = logged_in(first)
    proof = first.signed(asked_at(client, ADD))
    assert added(client, Authenticator(number=2), "Phone", passkey=proof) == []
    assert {each.name for each in Passkey.objects.all()} == {"Laptop", "Phone"}
    asked = begun(client, passkey=first.signed(asked_at(client, ADD)))
    assert len(asked["excludeCredentials"]) == 2
    stranger = Authenticator(number=3)
    refused = client.post(ADD, {**PROOF, "passkey": stranger.signed(asked_at(client, ADD))})
    assert refused.status_code == 403


def test_nobody_has_more_than_twenty(cast: Cast) -> None:
    client = logged_in(with_passkey(cast.ada))
    [first] = Passkey.objects.all()
    values = {"public_key": b"", "sign_count": 0, "backup_eligible": False, "backed_up": False}
    Passkey.objects.bulk_create(
        Passkey(
            second_factor=first.second_factor,
            credential_id=bytes([number]),
            created_at=first.created_at,
            **values,
        )
        for number in range(19)
    )
    code = RecoveryCode.objects.filter(user=cast.ada)
    key = Authenticator()
    answer = client.post(ADD, {**PROOF, "passkey": key.signed(asked_at(client, ADD))})
    assert answer.status_code == 409 and "you have 20 passkeys" in text_of(answer)
    assert code.count() == 10


@pytest.mark.requirement(38)
def test_removing_the_last_passkey_removes_the_codes_and_ends_other_logins(cast: Cast) -> None:
    key = with_passkey(cast.ada)
    client, other = logged_in(key), logged_in(key)
    page = client.get(remove_page())
    assert "Laptop" in text_of(page) and "logged out everywhere else" in text_of(page)
    proof = {**PROOF, "passkey": key.signed(asked_at(client, remove_page()))}
    done = client.post(remove_page(), proof, follow=True)
    assert "The passkey is removed." in text_of(done)
    assert (client.get(SECURITY).status_code, other.get(SECURITY).status_code) == (200, 302)
    assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
    assert not Session.objects.get(user=cast.ada, ended_at=None).second_factor
    assert Event.objects.latest("sequence").name == "passkey:removed"
    assert console_of(cast.ada).get(SECURITY).status_code == 200


def test_removing_one_of_two_factors_keeps_the_codes(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    codes = added(client, Authenticator())
    begun_ = client.post(AUTHENTICATOR, {**PROOF, "code": codes[0]})
    app = App(SECRET.findall(text_of(begun_))[0], [])
    confirmed = client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()})
    codes = RECOVERY.findall(text_of(confirmed))
    assert len(codes) == 10
    assert client.post(remove_page(), {**PROOF, "code": codes[0]}).status_code == 302
    assert (SecondFactor.objects.get().has_app, RecoveryCode.objects.count()) == (True, 9)
    added(client, Authenticator(number=2), code=codes[1])
    assert client.post(f"{AUTHENTICATOR}/remove", {**PROOF, "code": codes[2]}).status_code == 302
    assert (SecondFactor.objects.get().has_app, RecoveryCode.objects.count()) == (False, 7)
    let_codes_be_good_again()
    login = {"identifier": "ada", "password": PASSWORD, "totp_code": app.code()}
    assert Client().post("/account/login", login).status_code == 401
    assert logged_in(Authenticator(number=2)).get(SECURITY).status_code == 200


def test_an_app_is_added_to_a_passkey_only_with_a_second_factor(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    codes = added(client, Authenticator())
    assert client.post(AUTHENTICATOR, PROOF).status_code == 400
    token = attempt(cast.ada, totp_code=codes[0]).json()["access_token"]
    api = Api({"Authorization": f"Bearer {token}"})
    assert api.post("auth/totp", PROOF).status_code == 403
    assert SecondFactor.objects.get().seed == ""


@pytest.mark.requirement(22)
def test_an_app_beside_a_passkey_counts_only_after_a_code_of_that_app(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    codes = added(client, Authenticator())
    begun_ = client.post(AUTHENTICATOR, {**PROOF, "code": codes[0]})
    app = App(SECRET.findall(text_of(begun_))[0], [])
    assert attempt(cast.ada, totp_code=app.code()).status_code == 401
    assert client.post(f"{AUTHENTICATOR}/confirm", {"code": codes[1]}).status_code == 400
    assert not SecondFactor.objects.get().has_app
    assert RecoveryCode.objects.count() == 9


def test_a_passkey_of_somebody_else_is_not_found(cast: Cast) -> None:
    with_passkey(cast.ada)
    client = console_of(cast.bob)
    for answer in (client.get(remove_page()), client.post(remove_page(), PROOF)):
        assert answer.status_code == 404
    assert Passkey.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "required"), ("x" * 5000, "at most 100"), ("\0", "Null"), ("a\x1b[31m", "control character")],
)
def test_a_wrong_name_is_said(name: str, said: str, cast: Cast) -> None:
    client = at_localhost(cast.bob)
    sent = {"name": name, "passkey": Authenticator().made(begun(client))}
    answer = client.post(CONFIRM, sent)
    assert answer.status_code == 400 and said in text_of(answer)
    assert not Passkey.objects.exists()


@pytest.mark.requirement(88)
def test_a_form_without_a_csrf_token_or_a_login_changes_nothing(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    added(client, Authenticator())
    events = Event.objects.count()
    for path in (ADD, CONFIRM, remove_page()):
        assert strict(client).post(path, PROOF, headers={"Host": "localhost:8000"}).status_code == 403
        assert Client().post(path, PROOF)["Location"].startswith("/account/login?next=")
    assert Event.objects.count() == events


@pytest.mark.requirement(85)
def test_the_pages_work_under_the_strict_policy(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    made = client.post(ADD, PROOF)
    added(client, Authenticator())
    for answer in (made, client.get(ADD), client.get(remove_page()), client.get("/account/login")):
        assert "data-asks" in text_of(answer)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text_of(answer))
