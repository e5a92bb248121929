"""What browsers and others send for passkeys: malformed, from elsewhere, too late, copied, too often."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from accounts.models import Passkey, SpentChallenge
from accounts.passkeys import ceremonies, challenges
from accounts.passkeys.challenges import Purpose
from accounts.passkeys.questions import Browser
from accounts.passkeys.verification import Answer, sweep
from audit.models import Event
from tests.accounts.authenticator import attempt, enrolled
from tests.accounts.passkeys.authenticator import (
    ADD,
    BACKED_UP,
    CONFIRM,
    ELIGIBLE,
    PRESENT,
    VERIFIED,
    Authenticator,
    added,
    asked_at,
    asked_in,
    at_localhost,
    begun,
    browser,
    encoded,
    logged_in,
    with_passkey,
)
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import SECURITY

LOGIN = "/account/login"
KEY, NOW = b"k" * 32, 1_800_000_000
ODD = ["x" * 5000, "x" * 100_000, "{", "[]", "null", '"a"', "{}", "\0", "é", "[" * 9000, '{"rawId": 1}']


def said(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


@pytest.mark.parametrize("odd", ODD)
def test_odd_texts_are_one_sentence_at_every_address(odd: str, cast: Cast) -> None:
    assert browser().post(LOGIN, {"passkey": odd}).status_code == 400
    client = at_localhost(cast.bob)
    begun(client)
    answer = client.post(CONFIRM, {"name": "x", "passkey": odd})
    assert answer.status_code == 400 and 'role="alert"' in said(answer)
    assert not Passkey.objects.exists()


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=100))
@hypothesis(suppress_health_check=[HealthCheck.too_slow])
def test_readers_refuse_any_bytes_in_one_way(client: bytes, data: bytes, signature: bytes) -> None:
    parts = {"clientDataJSON": client, "authenticatorData": data, "attestationObject": data}
    response = {name: encoded(each) for name, each in {**parts, "signature": signature}.items()}
    text = json.dumps({"rawId": "AAAA", "type": "public-key", "response": response})
    for read in (ceremonies.read_assertion, ceremonies.read_registration):
        with pytest.raises(ceremonies.NotAccepted):
            read(text)


OPEN = "used at another address. Open http://localhost:8000."
WRONG: dict[str, tuple[Callable[[Authenticator], None], int, str]] = {
    "another origin": (lambda key: setattr(key, "origin", "https://evil.example"), 400, OPEN),
    "a page around ours": (lambda key: setattr(key, "more", {"crossOrigin": True}), 400, OPEN),
    "another host": (lambda key: setattr(key, "rp_id", "evil.example"), 401, "not accepted"),
    "another type": (lambda key: setattr(key, "more", {"type": "webauthn.create"}), 401, "not accepted"),
    "nobody there": (lambda key: setattr(key, "flags", VERIFIED), 401, "not accepted"),
    "another person": (lambda key: setattr(key, "user_handle", b"x" * 16), 401, "not accepted"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_from_elsewhere_is_refused(what: str, cast: Cast) -> None:
    change, status, words = WRONG[what]
    key, client = with_passkey(cast.ada), browser()
    change(key)
    answer = client.post(LOGIN, {"passkey": key.signed(asked_at(client))})
    assert answer.status_code == status and words in said(answer)
    assert client.get(SECURITY)["Location"].startswith(LOGIN)


@pytest.mark.requirement(18)
def test_an_answer_that_comes_too_late_is_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    key, client = with_passkey(cast.ada), browser()
    with monkeypatch.context() as patch:
        patch.setattr(challenges, "SECONDS", 0)
        asked = asked_at(client)
    answer = client.post(LOGIN, {"passkey": key.signed(asked)})
    assert answer.status_code == 400 and "more than five minutes" in said(answer)
    assert client.post(LOGIN, {"passkey": key.signed(asked_in(answer))}).status_code == 302


def test_a_challenge_belongs_to_one_browser_and_one_purpose(cast: Cast) -> None:
    key, client, other = with_passkey(cast.ada), browser(), browser()
    asked = asked_at(client)
    answer = other.post(LOGIN, {"passkey": key.signed(asked)})
    assert answer.status_code == 400 and "does not fit this page" in said(answer)
    client.post(LOGIN, {"passkey": key.signed(asked)})
    proof = key.signed(asked_at(client))  # of the login page, on a page that wants a proof
    assert client.post(ADD, {"password": PASSWORD, "passkey": proof}).status_code == 400
    key.user_handle = None
    assert browser().post(LOGIN, {"passkey": key.signed(asked_at(client, ADD))}).status_code == 400


def test_a_challenge_after_the_password_ends_with_that_password(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    asked = asked_in(client.post(LOGIN, {"identifier": "ada", "password": PASSWORD}))
    cast.ada.refresh_from_db()
    cast.ada.set_password("another walk to another lighthouse")
    cast.ada.save()
    answer = client.post(LOGIN, {"passkey": key.signed(asked)})
    assert answer.status_code == 400 and "does not fit this page" in said(answer)


def test_an_unknown_passkey_after_a_password_is_refused(cast: Cast) -> None:
    with_passkey(cast.ada)
    client = browser()
    asked = asked_in(client.post(LOGIN, {"identifier": "ada", "password": PASSWORD}))
    answer = client.post(LOGIN, {"passkey": Authenticator(number=2).signed(asked)})
    assert answer.status_code == 400 and "does not fit this page" in said(answer)


def test_challenges_are_signed() -> None:
    made = challenges.make(KEY, Purpose.LOGIN, "a browser", NOW)
    assert challenges.read(KEY, made, "a browser", NOW).purpose == Purpose.LOGIN
    assert len({challenges.make(KEY, Purpose.LOGIN, "", NOW) for _ in range(100)}) == 100
    with pytest.raises(challenges.ExpiredChallenge):
        challenges.read(KEY, made, "a browser", NOW + challenges.SECONDS)
    for position in range(len(made)):
        other = bytearray(made)
        other[position] ^= 1
        with pytest.raises(challenges.ForeignChallenge):
            challenges.read(KEY, bytes(other), "a browser", NOW)
    for wrong in (b"", made[:-1], made + b"x"):
        with pytest.raises(challenges.ForeignChallenge):
            challenges.read(KEY, wrong, "a browser", NOW)
    with pytest.raises(challenges.ForeignChallenge):
        challenges.read(b"other", made, "a browser", NOW)


def test_a_counter_that_goes_back_is_refused_and_recorded(cast: Cast) -> None:
    key = with_passkey(cast.ada, counter=5)
    assert logged_in(key).get(SECURITY).status_code == 200
    assert Passkey.objects.get().sign_count == 6
    for counter in (4, 0):  # a copy that has been used less often, and one that no longer counts
        key.counter = counter
        client = browser()
        answer = client.post(LOGIN, {"passkey": key.signed(asked_at(client))})
        assert answer.status_code == 401 and "not accepted" in said(answer)
    first, second = Event.objects.filter(name="passkey_counter:regressed").order_by("sequence")
    assert first.detail == {"passkey": "Laptop", "counter": 5, "before": 6}
    assert second.detail == {"passkey": "Laptop", "counter": 0, "before": 6}
    assert first.subjects == second.subjects == [f"user:{cast.ada.uuid}"]
    key.counter = 6
    assert logged_in(key).get(SECURITY).status_code == 200


def test_a_counter_that_stays_at_zero_is_that_of_a_passkey_on_several_devices(cast: Cast) -> None:
    key = with_passkey(cast.ada)
    assert logged_in(key).get(SECURITY).status_code == logged_in(key).get(SECURITY).status_code == 200


@pytest.mark.requirement(9, 24)
def test_wrong_passkeys_are_429_like_wrong_passwords_and_codes(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    impostor = Authenticator(number=2)
    impostor.id = key.id
    statuses = [
        client.post(LOGIN, {"passkey": impostor.signed(asked_at(client))}).status_code for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]
    answer = client.post(LOGIN, {"passkey": key.signed(asked_at(client))})
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert logged_in(with_passkey(cast.bob, number=3)).get(SECURITY).status_code == 200


def test_an_answer_and_a_browser_show_no_secret_when_they_are_printed() -> None:
    browser_ = Browser("a secret", "a session")
    assert f"{Answer('a secret', browser_)} {browser_!r}" == "Answer() Browser()"


def test_pages_that_ask_store_nothing(cast: Cast) -> None:
    client = browser()
    for _ in range(3):
        asked_at(client)
        client.post(LOGIN, {"passkey": Authenticator().signed(asked_at(client))})
    assert not SpentChallenge.objects.exists()


def test_spent_challenges_are_deleted_when_they_have_expired(cast: Cast) -> None:
    logged_in(with_passkey(cast.ada))
    assert SpentChallenge.objects.count() == 2
    sweep()
    assert SpentChallenge.objects.count() == 2
    SpentChallenge.objects.update(ends_at=1)
    sweep()
    assert not SpentChallenge.objects.exists()


@pytest.mark.parametrize(
    "challenge", [b"", b"\0" * 57, b"\1", b"\1" * 57, b"\2" * 57, b"\4" * 57, b"\x09" * 57]
)
def test_a_challenge_that_nobody_made_is_refused(challenge: bytes, cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    asked = asked_at(client) | {"challenge": encoded(challenge)}
    answer = client.post(LOGIN, {"passkey": key.signed(asked)})
    assert answer.status_code == 400 and "does not fit this page" in said(answer)


def test_each_login_says_whether_a_passkey_is_backed_up_by_now(cast: Cast) -> None:
    key = with_passkey(cast.ada, flags=PRESENT | VERIFIED | ELIGIBLE)
    for more, is_backed_up in ((0, False), (BACKED_UP, True), (0, False)):
        key.flags = PRESENT | VERIFIED | ELIGIBLE | more
        logged_in(key)
        stored = Passkey.objects.get()
        assert (stored.backup_eligible, stored.backed_up) == (True, is_backed_up)


@pytest.mark.requirement(9, 24)
def test_wrong_passkeys_after_a_password_count_for_the_person_whichever_they_are(cast: Cast) -> None:
    first, second = with_passkey(cast.ada), Authenticator(number=2)
    client = logged_in(first)
    added(client, second, "Phone", passkey=first.signed(asked_at(client, ADD)))
    impostors = [Authenticator(number=3), Authenticator(number=4)]
    for impostor, key in zip(impostors, (first, second), strict=True):
        impostor.id = key.id

    def tried(key: Authenticator) -> int:
        other = browser()
        asked = asked_in(other.post(LOGIN, {"identifier": "ada", "password": PASSWORD}))
        return other.post(LOGIN, {"passkey": key.signed(asked)}).status_code

    assert [tried(first) for _ in range(12)] == [302] * 12  # right ones are not counted
    assert [tried(impostors[number % 2]) for number in range(11)] == [401] * 10 + [429]
    event = Event.objects.latest("sequence")
    assert (event.name, event.subjects) == ("attempt:throttled", [f"user:{cast.ada.uuid}"])


@pytest.mark.requirement(9, 24)
def test_wrong_passkeys_of_a_proof_count_with_the_wrong_codes_of_that_person(cast: Cast) -> None:
    key, impostor = with_passkey(cast.ada), Authenticator(number=2)
    impostor.id = key.id
    client = logged_in(key)

    def tried(key: Authenticator) -> int:
        proof = key.signed(asked_at(client, ADD))
        return client.post(ADD, {"password": PASSWORD, "passkey": proof}).status_code

    assert [tried(key) for _ in range(12)] == [200] * 12  # right ones are not counted
    assert [tried(impostor) for _ in range(11)] == [403] * 10 + [429]
    event = Event.objects.latest("sequence")
    assert (event.name, event.subjects) == ("attempt:throttled", [f"user:{cast.ada.uuid}"])
    assert attempt(cast.ada, totp_code="000000").status_code == 429
    app = enrolled(cast.bob)
    assert attempt(cast.bob, totp_code=app.code()).status_code == 200


@pytest.mark.requirement(22)
def test_the_passkey_of_another_person_proves_nothing(cast: Cast) -> None:
    key, theirs = with_passkey(cast.ada), with_passkey(cast.bob, number=2)
    client = logged_in(key)
    proof = theirs.signed(asked_at(client, ADD))
    assert client.post(ADD, {"password": PASSWORD, "passkey": proof}).status_code == 403
    event = Event.objects.latest("sequence")
    assert event.detail == {"reason": "passkey of somebody else"}
    assert event.subjects == [f"user:{cast.ada.uuid}"]
