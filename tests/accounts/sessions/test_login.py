"""POST auth/login: who gets in, by which name, and what a wrong body is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Organization, Session
from accounts.sessions.services import open_session, open_vouched
from audit.actors import Origin
from audit.models import Event
from tests.accounts.helpers import serving
from tests.conftest import PASSWORD, Api, Cast, assert_problem, log_in


def attempt(**body: Any) -> Any:
    return Api().post("auth/login", body)


def post_raw(body: str, kind: str = "application/json") -> Any:
    return Api().client.post("/api/v1/auth/login", body, content_type=kind)


@pytest.mark.parametrize("name", ["alice", "ALICE", " alice ", "ａｌｉｃｅ", "alice@example.org"])  # noqa: RUF001
def test_a_person_logs_in_by_user_name_however_it_is_typed(cast: Cast, name: str) -> None:
    assert attempt(username=name, password=PASSWORD).status_code == 200


@pytest.mark.parametrize("address", ["alice@example.org", "Alice@EXAMPLE.org", "alice＠example.org"])  # noqa: RUF001
def test_a_person_logs_in_by_email_address_however_it_is_typed(cast: Cast, address: str) -> None:
    assert attempt(email=address, password=PASSWORD).status_code == 200


def test_the_answer_to_a_login_is_two_tokens_and_the_person(cast: Cast) -> None:
    answer = log_in(cast.alice)
    assert list(answer) == ["access_token", "refresh_token", "token_type", "expires_in", "user"]
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 900
    assert answer["user"]["username"] == "alice"
    assert Session.objects.get().user_agent == ""  # the request had none


def test_the_answer_to_a_login_is_kept_by_no_cache_and_sets_no_cookie(cast: Cast) -> None:
    response = attempt(username="alice", password=PASSWORD)
    assert response.headers["Cache-Control"] == "no-store"
    assert not response.cookies


def test_a_session_remembers_where_it_was_opened(cast: Cast) -> None:
    agent = {"User-Agent": "curl/8 " + "x" * 500}
    Api(agent).post("auth/login", {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
    session = Session.objects.get(user=cast.alice)
    assert session.ip == "192.0.2.7"
    assert session.user_agent.startswith("curl/8 xxx")
    assert len(session.user_agent) == 200


def test_a_session_remembers_what_a_provider_said_of_the_person(cast: Cast) -> None:
    now = datetime.now(UTC)
    proven, half_an_hour = now - timedelta(minutes=5), timedelta(minutes=30)
    opened = open_vouched(
        cast.bob,
        cast.acme,
        second_factor=True,
        proven_at=proven,
        provider_session="desk",
        origin=Origin("192.0.2.7", "a-request", now),
        user_agent="curl/8",
        longest=half_an_hour,
    )
    session = Session.objects.get()
    assert (session, session.user, session.organization) == (opened, cast.bob, cast.acme)
    assert (session.ip, session.user_agent, session.provider_session) == ("192.0.2.7", "curl/8", "desk")
    assert (session.second_factor, session.proven_at) == (True, proven)
    assert (session.created_at, session.expires_at) == (now, now + half_an_hour)
    event = Event.objects.latest("sequence")
    assert (event.name, event.subjects) == ("login:succeeded", [f"user:{cast.bob.uuid}"])
    assert event.detail == {"by": "provider", "organization": str(cast.acme.uuid)}


@pytest.mark.requirement(179)
def test_a_login_counts_as_one_with_the_organization_that_vouches_if_that_requires_its_provider(
    cast: Cast,
) -> None:
    Organization.objects.filter(pk=cast.umbrella.pk).update(requires_provider=True)
    for vouched_by, counts_as in ((None, None), (cast.acme, None), (cast.umbrella, cast.umbrella)):
        opened = open_session(
            identifier="alice", password=PASSWORD, origin=Origin.here(), vouched_by=vouched_by
        )
        assert Session.objects.get(pk=opened.pk).organization == counts_as


@pytest.mark.parametrize("identifiers", [("username",), ("email",)])
def test_people_log_in_only_by_what_the_profile_takes(cast: Cast, identifiers: tuple[str, ...]) -> None:
    login = {"username": "alice", "email": "alice@example.org"}
    with serving("login", identifiers=identifiers):
        [taken] = identifiers
        [other] = set(login) - {taken}
        assert attempt(**{taken: login[taken], "password": PASSWORD}).status_code == 200
        assert_problem(attempt(**{other: login[other], "password": PASSWORD}), 400, member=other)
        assert_problem(attempt(**{taken: login[other], "password": PASSWORD}), 401)
        assert_problem(attempt(password=PASSWORD), 400, member=taken)


def test_an_identifier_has_the_name_that_the_profile_gives_it(cast: Cast) -> None:
    with serving("wire", names={"login.email": "mail"}):
        assert attempt(mail="alice@example.org", password=PASSWORD).status_code == 200


@pytest.mark.parametrize(
    "body", ["[]", '["alice"]', '[{"username": "alice"}]', "null", '"alice"', "5", "true"]
)
@pytest.mark.requirement(11)
def test_a_login_body_that_is_no_object_is_refused(cast: Cast, body: str) -> None:
    assert_problem(post_raw(body), 400, "invalid")


@pytest.mark.parametrize("value", [["alice"], {"$ne": ""}, None, True, ""])
@pytest.mark.parametrize("member", ["username", "password"])
def test_a_member_of_the_wrong_type_is_named(cast: Cast, member: str, value: Any) -> None:
    body = {"username": "alice", "password": PASSWORD} | {member: value}
    assert_problem(attempt(**body), 400, "invalid", member)


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({}, "password"),
        ({"username": "alice"}, "password"),
        ({"password": PASSWORD}, "username"),
        ({"username": "alice", "email": "alice@example.org", "password": PASSWORD}, "username"),
        ({"username": "a" * 255, "password": PASSWORD}, "username"),
        ({"username": "alice\0", "password": PASSWORD}, "username"),
        ({"username": "alice", "password": "\ud800" * 15}, "password"),
    ],
)
def test_a_missing_doubled_or_impossible_member_is_named(
    cast: Cast, body: dict[str, str], member: str
) -> None:
    assert_problem(attempt(**body), 400, "invalid", member)


@pytest.mark.parametrize("extra", ["role", "is_superuser", "organization", "user_id", "totp"])
@pytest.mark.requirement(48)
def test_a_member_that_login_does_not_know_is_refused(cast: Cast, extra: str) -> None:
    body = {"username": "alice", "password": PASSWORD, extra: "admin"}
    assert_problem(attempt(**body), 400, "invalid", extra)


@pytest.mark.parametrize("body", ["", "{", '{"username": "a", "username": "b"}', '{"password": NaN}'])
def test_a_body_that_is_not_strict_json_is_refused(cast: Cast, body: str) -> None:
    assert_problem(post_raw(body), 400)


def test_a_form_is_not_taken_for_json(cast: Cast) -> None:
    assert_problem(post_raw("username=alice", "application/x-www-form-urlencoded"), 415)


@pytest.mark.parametrize(
    "name", ["password", "Password", "totp_code", "access_token", "refresh_token", "token"]
)
@pytest.mark.requirement(15)
def test_credentials_in_a_query_string_are_refused(cast: Cast, name: str) -> None:
    client, address = Api().client, f"/api/v1/auth/login?{name}=x"
    body = {"username": "alice", "password": PASSWORD}
    assert_problem(client.post(address, body, content_type="application/json"), 400, "invalid_request")
    assert not Session.objects.exists()


def test_a_bad_credential_in_the_headers_does_not_keep_anybody_from_logging_in(cast: Cast) -> None:
    api = Api({"Authorization": "Bearer stale"})
    assert api.post("auth/login", {"username": "alice", "password": PASSWORD}).status_code == 200


@pytest.mark.requirement(81)
def test_a_login_is_one_event_whether_to_the_api_or_to_the_admin(cast: Cast) -> None:
    form = {"username": "ada", "password": PASSWORD}
    for login in (
        lambda: Api().post("auth/login", form),
        lambda: Api().client.post("/admin/login/?next=/admin/", form),
    ):
        last = Event.objects.count()
        assert login().status_code in {200, 302}
        [event] = Event.objects.filter(sequence__gt=last)
        assert (event.name, event.ip) == ("login:succeeded", "127.0.0.1")
        assert (event.actor_kind, event.actor_id, event.actor_label) == ("user", str(cast.ada.uuid), "ada")
        assert event.subjects == [f"user:{cast.ada.uuid}"]
        cast.ada.refresh_from_db()
        assert cast.ada.last_login_at == event.occurred_at
