"""Logging in and out, in every product."""

import pytest

from accounts.models import User
from tests.conftest import PASSWORD
from tests.every_profile.speaker import Heard, Speaker, bearer

pytestmark = pytest.mark.once

NEW = "another walk to another lighthouse"


def test_a_login_opens_me(speaker: Speaker, person: User) -> None:
    answer = speaker.logged_in(person)
    me = speaker.send("GET", "auth/me", "me", by=bearer(answer["access_token"]))
    assert (answer.status, me.status, me["email"]) == (200, 200, person.email)


@pytest.mark.parametrize("kind", ["username", "email"])
def test_people_log_in_by_what_the_product_says_and_by_nothing_else(
    kind: str, speaker: Speaker, person: User
) -> None:
    speaker._app(person)
    members = {kind: getattr(person, kind), "password": PASSWORD, "totp_code": speaker._app(person).code()}
    status = speaker.send("POST", "auth/login", "login", members).status
    assert status == (200 if kind in speaker.profile.login.identifiers else 400)


@pytest.mark.requirement(8)
def test_a_wrong_password_and_an_unknown_name_are_one_answer(speaker: Speaker, person: User) -> None:
    wrong = speaker.send("POST", "auth/login", "login", {**speaker.named(person), "password": "wrong"})
    nobody = dict.fromkeys(speaker.named(person), "nobody@example.org")
    unknown = speaker.send("POST", "auth/login", "login", {**nobody, "password": PASSWORD})
    assert (wrong.status, wrong.raw) == (unknown.status, unknown.raw)
    assert wrong.status == 401
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.requirement(36)
def test_after_a_logout_both_tokens_are_dead(speaker: Speaker, person: User) -> None:
    answer = speaker.logged_in(person)
    token = bearer(answer["access_token"])
    out = speaker.send("POST", "auth/logout", "logout", by=token)
    assert out.status in {200, 204}
    assert speaker.send("GET", "auth/me", "me", by=token).status == 401
    assert not can_refresh(speaker) or refreshed(speaker, answer.body).status == 401


def test_a_refresh_goes_on_with_the_session(speaker: Speaker, person: User) -> None:
    if can_refresh(speaker):
        answer = refreshed(speaker, speaker.logged_in(person).body)
        assert answer.status == 200
        assert speaker.send("GET", "auth/me", "me", by=bearer(answer["access_token"])).status == 200


def can_refresh(speaker: Speaker) -> bool:
    """Whether the product shows what a refresh takes."""
    return speaker.shows("logged_in", speaker.profile.login.refresh_takes)


def refreshed(speaker: Speaker, tokens: dict[str, str]) -> Heard:
    if speaker.profile.login.refresh_takes == "access_token":
        return speaker.send("POST", "auth/refresh", "refresh", by=bearer(tokens["access_token"]))
    return speaker.send("POST", "auth/refresh", "refresh", {"refresh_token": tokens["refresh_token"]})


@pytest.mark.requirement(7, 38)
def test_a_new_password_wants_the_old_one_and_ends_the_other_logins(speaker: Speaker, person: User) -> None:
    other, here = speaker.token_of(person), speaker.token_of(person)
    without = speaker.send("POST", "auth/change-password", "password", {"new_password": NEW}, by=here)
    assert without.status == 400
    both = {"current_password": PASSWORD, "new_password": NEW}
    assert speaker.send("POST", "auth/change-password", "password", both, by=here).status == 204
    assert speaker.send("GET", "auth/me", "me", by=here).status == 200
    assert speaker.send("GET", "auth/me", "me", by=other).status == 401
    assert speaker.logged_in(person, NEW).status == 200


@pytest.mark.requirement(34)
def test_one_sees_ones_sessions_and_ends_one(speaker: Speaker, person: User) -> None:
    other, here = speaker.token_of(person), speaker.token_of(person)
    listed = speaker.send("GET", "auth/sessions", "session", by=here).body
    assert [each["current"] for each in listed] == [True, False]
    path = f"auth/sessions/{listed[1]['id']}"
    assert speaker.send("DELETE", path, "session", by=here).status == 204
    assert speaker.send("GET", "auth/me", "me", by=other).status == 401


def test_ending_all_sessions_ends_this_one_too(speaker: Speaker, person: User) -> None:
    other, here = speaker.token_of(person), speaker.token_of(person)
    assert speaker.send("POST", "auth/logout-everywhere", "logout", by=here).status in {200, 204}
    for token in (other, here):
        assert speaker.send("GET", "auth/me", "me", by=token).status == 401


@pytest.mark.parametrize("length", [1, 7])
@pytest.mark.requirement(1)
def test_a_short_password_is_refused_by_name(length: int, speaker: Speaker, person: User) -> None:
    token = speaker.token_of(person)
    members = {"current_password": PASSWORD, "new_password": "q" * length}
    answer = speaker.send("POST", "auth/change-password", "password", members, by=token)
    assert answer.status == 400
    assert answer.raw["errors"][0]["member"] == speaker.spelled("password", "new_password")
