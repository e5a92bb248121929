"""Checking a password: the same answer and the same work for everybody, and what is stored of it."""

from typing import Any

import argon2
import pytest
from django.contrib.auth.hashers import make_password
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.models import Session, User
from accounts.passwords.rules import LONGEST
from accounts.users.changes import UserChanges
from accounts.users.services import set_password, update_user
from audit.models import Event
from config import settings as real_settings
from tests.accounts.hashers import WatchedArgon2
from tests.conftest import PASSWORD, Api, Cast, assert_problem, log_in

NEW = "another walk to another lighthouse"


def attempt(username: str, password: str) -> Any:
    return Api().post("auth/login", {"username": username, "password": password})


def refuse_everybody(cast: Cast) -> dict[str, tuple[str, str]]:
    """Who cannot log in, for each reason there is."""
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    User.objects.filter(pk=cast.charlie.pk).update(password=make_password(None))
    return {
        "unknown": ("nobody", PASSWORD),
        "wrong password": ("alice", "a wrong walk to the lighthouse"),
        "inactive": ("bob", PASSWORD),
        "unusable": ("charlie", PASSWORD),
    }


@pytest.mark.requirement(8)
def test_unknown_wrong_inactive_and_unusable_get_the_same_answer(cast: Cast) -> None:
    answers = {name: attempt(*login) for name, login in refuse_everybody(cast).items()}
    for answer in answers.values():
        assert_problem(answer, 401, "invalid_credentials")
    assert len({answer.content for answer in answers.values()}) == 1
    assert len({answer.headers["WWW-Authenticate"] for answer in answers.values()}) == 1


@pytest.mark.parametrize("reason", ["unknown", "wrong password", "inactive", "unusable"])
@pytest.mark.requirement(8)
def test_each_refusal_costs_exactly_one_hash(cast: Cast, hashing: type[WatchedArgon2], reason: str) -> None:
    login = refuse_everybody(cast)[reason]
    hashing.computed = 0
    attempt(*login)
    assert hashing.computed == 1


def test_a_login_that_succeeds_costs_exactly_one_hash_too(cast: Cast, hashing: type[WatchedArgon2]) -> None:
    assert attempt("alice", PASSWORD).status_code == 200
    assert hashing.computed == 1


def test_the_reason_of_a_refusal_is_in_the_audit_log_and_the_name_that_was_typed_is_not(cast: Cast) -> None:
    for login in refuse_everybody(cast).values():
        attempt(*login)
    events = Event.objects.filter(name="login:failed").order_by("sequence")
    reasons = [event.detail["reason"] for event in events]
    assert reasons == ["unknown", "wrong password", "inactive", "wrong password"]
    assert [event.target_id for event in events] == [
        "",
        *(str(user.uuid) for user in (cast.alice, cast.bob, cast.charlie)),
    ]


@pytest.mark.parametrize("length", [LONGEST + 1, 1_000_000])
@pytest.mark.requirement(14)
def test_a_huge_password_is_refused_and_no_hash_computed(
    cast: Cast, hashing: type[WatchedArgon2], length: int
) -> None:
    assert_problem(attempt("alice", "x" * length), 400, "invalid", "password")
    assert hashing.computed == 0


@pytest.mark.requirement(14)
def test_a_body_of_more_than_a_mebibyte_is_refused_and_no_hash_computed(
    cast: Cast, hashing: type[WatchedArgon2]
) -> None:
    assert_problem(attempt("alice", "x" * 1024 * 1024), 413, "too_large")
    assert hashing.computed == 0


@pytest.mark.requirement(14)
def test_the_admin_computes_no_hash_of_a_huge_password_either(
    cast: Cast, hashing: type[WatchedArgon2]
) -> None:
    page = Api().client.post("/admin/login/", {"username": "ada", "password": "x" * 100_000})
    assert page.status_code == 400
    assert hashing.computed == 0


@pytest.mark.parametrize("wrong", [PASSWORD.upper(), PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1]])
@pytest.mark.requirement(3)
def test_a_password_counts_to_its_last_character_and_in_its_case(cast: Cast, wrong: str) -> None:
    assert attempt("alice", wrong).status_code == 401


@pytest.mark.requirement(3)
def test_what_comes_after_72_bytes_counts(cast: Cast, operator: Caller) -> None:
    long = "the quick brown fox jumps over " * 4
    set_password(caller=operator, user=cast.alice, password=long + "the lazy dog")
    assert attempt("alice", long + "the lazy cat").status_code == 401
    assert attempt("alice", long + "the lazy dog").status_code == 200


@pytest.mark.requirement(13)
def test_passwords_are_stored_as_argon2id_with_19_mebibytes_and_two_rounds(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = real_settings.PASSWORD_HASHERS
    stored = make_password(PASSWORD)
    parameters = argon2.extract_parameters(stored.removeprefix("argon2"))
    assert parameters.type is argon2.Type.ID
    assert parameters.parallelism == 1  # the library starts a thread for each lane
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert parameters.salt_len >= 16
    assert parameters.hash_len >= 32


@pytest.fixture
def raised(settings: Settings) -> None:
    """The parameters of the hash are raised after everybody has a password."""
    settings.PASSWORD_HASHERS = ["tests.accounts.hashers.StrongerArgon2"]


def stored_time_cost(user: User) -> int:
    stored = User.objects.get(pk=user.pk).password
    return argon2.extract_parameters(stored.removeprefix("argon2")).time_cost


@pytest.mark.requirement(13)
def test_a_login_hashes_anew_when_the_parameters_have_changed(cast: Cast, raised: None) -> None:
    assert stored_time_cost(cast.alice) == 1
    log_in(cast.alice)
    assert stored_time_cost(cast.alice) == 2
    log_in(cast.alice)


@pytest.mark.requirement(13)
def test_a_failed_login_hashes_nothing_anew(cast: Cast, raised: None) -> None:
    attempt("alice", "a wrong walk to the lighthouse")
    assert stored_time_cost(cast.alice) == 1


def test_hashing_anew_never_brings_back_a_password_that_was_just_replaced(
    cast: Cast, operator: Caller, raised: None
) -> None:
    WatchedArgon2.meanwhile = lambda: set_password(caller=operator, user=cast.alice, password=NEW)
    assert_problem(attempt("alice", PASSWORD), 401, "invalid_credentials")
    assert attempt("alice", PASSWORD).status_code == 401
    assert attempt("alice", NEW).status_code == 200


def test_two_simultaneous_logins_with_changed_parameters_both_succeed(cast: Cast, raised: None) -> None:
    others: list[int] = []
    WatchedArgon2.meanwhile = lambda: others.append(attempt("alice", PASSWORD).status_code)
    assert attempt("alice", PASSWORD).status_code == 200
    assert others == [200]
    assert stored_time_cost(cast.alice) == 2


@pytest.mark.parametrize("changes", [{"is_active": False}, {"password": NEW}])
@pytest.mark.parametrize("is_admin", [False, True])
@pytest.mark.requirement(81)
def test_a_refusal_because_of_a_change_meanwhile_is_in_the_log(
    cast: Cast, operator: Caller, hashing: type[WatchedArgon2], changes: dict[str, Any], is_admin: bool
) -> None:
    hashing.meanwhile = lambda: update_user(caller=operator, user=cast.alice, changes=UserChanges(**changes))
    form = {"username": "alice", "password": PASSWORD}
    Api().client.post("/admin/login/", form) if is_admin else Api().post("auth/login", form)
    [event] = Event.objects.filter(name__startswith="login:")
    assert (event.name, event.target_id) == ("login:failed", str(cast.alice.uuid))
    assert event.detail == {"reason": "changed meanwhile"}


def test_nobody_logs_in_with_a_password_that_is_replaced_while_it_is_checked(
    cast: Cast, operator: Caller, hashing: type[WatchedArgon2]
) -> None:
    hashing.meanwhile = lambda: set_password(caller=operator, user=cast.alice, password=NEW)
    assert_problem(attempt("alice", PASSWORD), 401, "invalid_credentials")
    assert not Session.objects.filter(user=cast.alice).exists()


def test_a_person_who_is_deactivated_while_the_password_is_checked_is_not_logged_in(
    cast: Cast, operator: Caller, hashing: type[WatchedArgon2]
) -> None:
    changes = UserChanges(is_active=False)
    hashing.meanwhile = lambda: update_user(caller=operator, user=cast.alice, changes=changes)
    assert_problem(attempt("alice", PASSWORD), 401, "invalid_credentials")
    assert not Session.objects.filter(user=cast.alice).exists()
