"""POST /gateway/introspect (RFC 7662): for keys and for access tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.callers import caller_at_command_line
from accounts.organizations.services import add_member
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting
from audit.models import Event
from config import profiles
from tests.conftest import Api, Cast, as_user, assert_problem, log_in, make_key, with_key

INACTIVE = b'{"active":false}'
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def service(cast: Cast) -> Api:
    """A service that may ask about everything."""
    return with_key(make_key(cast.ada, "introspect"))


def ask(api: Api, token: str, **members: Any) -> Any:
    return api.post("/gateway/introspect", {"token": token, **members})


def test_a_key_of_a_person_is_described(cast: Cast, service: Api) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    key = make_key(cast.bob, "services:write", expires_at=ends)
    assert ask(service, key.text).json() == {
        "active": True,
        "scope": "services:read services:write",
        "token_type": "api_key",
        "sub": str(cast.bob.uuid),
        "username": "bob",
        "jti": str(key.row.uuid),
        "organization": str(cast.acme.uuid),
        "exp": int(ends.timestamp()),
    }


def test_a_key_of_an_organization_without_end_has_no_exp(cast: Cast, service: Api) -> None:
    told = ask(service, make_key(cast.acme).text).json()
    assert (told["sub"], told["username"]) == (str(cast.acme.uuid), "Acme")
    assert "scope" not in told
    assert "exp" not in told


def test_an_access_token_is_described(cast: Cast, service: Api) -> None:
    told = ask(service, log_in(cast.mallory)["access_token"]).json()
    assert (told["active"], told["token_type"], told["username"]) == (True, "access_token", "mallory")
    assert told["sub"] == str(cast.mallory.uuid)
    assert abs(told["exp"] - datetime.now(UTC).timestamp() - 900) < 60
    assert "organization" not in told


def test_a_form_says_the_same_as_json(cast: Cast, service: Api) -> None:
    key = make_key(cast.bob)
    body = f"token={key.text}&token_type_hint=access_token"
    sent = service.client.post("/gateway/introspect", body, content_type=FORM)
    assert sent.json() == ask(service, key.text).json()


def test_a_hint_is_only_a_hint(cast: Cast, service: Api) -> None:
    for hint in ("access_token", "refresh_token", "api_key", "nonsense"):
        assert ask(service, make_key(cast.bob).text, token_type_hint=hint).json()["active"] is True


def test_members_that_the_rfc_does_not_know_are_ignored(cast: Cast, service: Api) -> None:
    assert ask(service, make_key(cast.bob).text, resource="x").json()["active"] is True


BAD_TOKENS = [
    "x",
    " ",
    "a b",
    "kh_live_",
    "x.y.z",
    "é",
    "\u20ac" * 100,
    "e30.e30.e30",
    "x" * 100_000,
    "kh_live_" + "a" * 36,
]


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.requirement(75)
def test_a_malformed_token_is_exactly_inactive(service: Api, token: str) -> None:
    answer = ask(service, token)
    assert (answer.status_code, answer.content) == (200, INACTIVE)


@pytest.mark.requirement(75)
def test_an_inactive_credential_is_exactly_inactive_whatever_the_reason(cast: Cast, service: Api) -> None:
    revoked, inactive = make_key(cast.alice), make_key(cast.bob)
    session = log_in(cast.bob)
    revoke_api_keys(caller=caller_at_command_line(), selected=[revoked.row])
    update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(is_active=False))
    unknown = key_text.mint(profiles.active().keys.environments["live"])
    for token in (revoked.text, inactive.text, unknown, session["access_token"], session["refresh_token"]):
        assert ask(service, token).content == INACTIVE
    reasons = {event.detail["reason"] for event in Event.objects.filter(name="api_key:refused")}
    assert reasons == {"revoked", "owner inactive", "unknown"}


def test_a_key_with_blanks_around_it_is_another_text(cast: Cast, service: Api) -> None:
    key = make_key(cast.bob)
    for text in (f" {key.text}", f"{key.text} ", f"{key.text}\n", f"Bearer {key.text}"):
        assert ask(service, text).content == INACTIVE


@pytest.mark.requirement(75)
def test_introspection_needs_authentication_and_the_capability(cast: Cast) -> None:
    key = make_key(cast.bob)
    assert_problem(ask(Api(), key.text), 401, "not_authenticated")
    assert_problem(ask(with_key("kh_live_bad"), key.text), 401, "invalid_token")
    refused = ask(with_key(make_key(cast.ada, "keys:write", "services:write")), key.text)
    assert_problem(refused, 403, "insufficient_scope")
    assert 'scope="introspect"' in refused.headers["WWW-Authenticate"]
    assert_problem(ask(as_user(cast.alice), key.text), 403, "not_allowed")
    assert ask(as_user(cast.ada), key.text).json()["active"] is True


def test_a_key_cannot_even_ask_about_itself_without_the_capability(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read")
    assert_problem(ask(with_key(key), key.text), 403, "insufficient_scope")


@pytest.fixture
def of_acme(cast: Cast) -> NewKey:
    return make_key(cast.acme, "introspect")


def test_an_organization_s_key_sees_only_what_acts_in_its_organization(cast: Cast, of_acme: NewKey) -> None:
    asker = with_key(of_acme)
    inside = [
        of_acme.text,
        make_key(cast.acme).text,
        make_key(cast.bob).text,
        log_in(cast.alice)["access_token"],
    ]
    outside = [
        make_key(cast.umbrella).text,
        make_key(cast.charlie).text,
        log_in(cast.charlie)["access_token"],
    ]
    nowhere = [make_key(cast.ada).text, make_key(cast.mallory).text, log_in(cast.ada)["access_token"]]
    assert all(ask(asker, token).json()["active"] for token in inside)
    assert [ask(asker, token).content for token in outside + nowhere] == [INACTIVE] * 6


def test_a_member_of_two_organizations_is_seen_by_neither(cast: Cast, of_acme: NewKey) -> None:
    add_member(caller=caller_at_command_line(), organization=cast.umbrella, user=cast.bob, role="developer")
    assert ask(with_key(of_acme), make_key(cast.bob).text).content == INACTIVE


def test_asking_about_a_key_uses_it_and_asking_in_vain_does_not(cast: Cast, of_acme: NewKey) -> None:
    ours, theirs = make_key(cast.acme), make_key(cast.umbrella)
    for token in (ours.text, theirs.text):
        ask(with_key(of_acme), token, client_ip="203.0.113.9")
    counting.flush()
    uses = [ApiKey.objects.get(pk=key.row.pk) for key in (ours, theirs)]
    assert [(key.use_count, key.last_used_ip) for key in uses] == [(1, "203.0.113.9"), (0, "")]


@pytest.mark.parametrize(
    "body",
    [{}, {"token": ""}, {"token": None}, {"token": 5}, {"token": ["x"]}, {"token": {}}, {"token": "a\x00"}],
)
def test_a_missing_token_or_one_that_is_no_text_is_400(service: Api, body: dict[str, Any]) -> None:
    assert_problem(service.post("/gateway/introspect", body), 400, "invalid", "token")


@pytest.mark.parametrize("body", ["token=a&token=b", "token=a&token=a", "token_type_hint=x&token=a&token="])
def test_a_token_that_stands_twice_in_the_form_is_400(service: Api, body: str) -> None:
    sent = service.client.post("/gateway/introspect", body, content_type=FORM)
    assert_problem(sent, 400, "invalid", "token")


@pytest.mark.parametrize("body", ["", "token=", "x=y"])
def test_a_form_without_a_token_is_400(service: Api, body: str) -> None:
    assert_problem(
        service.client.post("/gateway/introspect", body, content_type=FORM), 400, "invalid", "token"
    )


@pytest.mark.parametrize("body", ["[]", "null", "{", '{"token": "a", "token": "b"}', '"x"'])
def test_a_body_that_is_no_object_is_400(service: Api, body: str) -> None:
    sent = service.client.post("/gateway/introspect", body, content_type="application/json")
    assert_problem(sent, 400)


def test_another_kind_of_body_is_415_and_another_method_405(service: Api) -> None:
    assert_problem(service.client.post("/gateway/introspect", "x", content_type="text/plain"), 415)
    assert_problem(service.get("/gateway/introspect"), 405)


def test_a_token_in_the_query_is_refused(cast: Cast, service: Api) -> None:
    key = make_key(cast.bob)
    answer = service.client.post(f"/gateway/introspect?token={key.text}", {}, content_type="application/json")
    assert_problem(answer, 400, "invalid_request")


def test_a_key_that_shrank_with_its_owner_is_described_as_it_is_now(cast: Cast, service: Api) -> None:
    key = make_key(cast.bob, "services:write")
    update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(role="auditor"))
    assert ask(service, key.text).json()["scope"] == "services:read services:write"
    cast.bob.memberships.all().delete()
    assert "scope" not in ask(service, key.text).json()
