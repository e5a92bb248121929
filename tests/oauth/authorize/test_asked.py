"""What clients may write into an authorization request, and what they are told of what they may not."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import Cast, make_cast
from tests.oauth.flow import CALLBACK, Flow, machine_token, make_client, parameters, post
from tests.snapshot import Snapshot

pytestmark = pytest.mark.once

CHALLENGE = {"code_challenge": "x" * 43, "code_challenge_method": "S256"}


def make_flow() -> Flow:
    """Alice, logged in, with a client."""
    flow = Flow(make_client("openid", "services:read"), make_cast().alice, scope="openid")
    flow.log_in(flow.address())
    return flow


made = Snapshot(make_flow)


@pytest.fixture
def flow(db: None) -> Flow:
    return made.write()


def logged_out(flow: Flow) -> Flow:
    """The same in another browser."""
    return Flow(flow.client, flow.user, flow.scope)


def refusal(flow: Flow, address: str) -> dict[str, str]:
    """What the client is told, whether the page is asked for or the person's answer comes."""
    said = [parameters(answer["Location"]) for answer in (flow.browser.get(address), flow.answer(address))]
    assert said[0] == said[1]
    return said[0]


GOOD = [
    *("max_age=86400", "max_age=0086400", "max_age=99999999999999999999", "max_age="),
    *("prompt=consent", "prompt=select_account", "prompt=select_account%20consent", "prompt=consent+consent"),
    *(
        "prompt=",
        "response_mode=query",
        "response_mode=",
        "display=popup",
        "ui_locales=de%20en",
        "claims=%7B",
    ),
    *("login_hint=alice", "acr_values=1%202", "id_token_hint=", "registration=x", "claims_locales=de"),
    *("nonce=n", "nonce=", "request=", "request_uri=", "x=1&x=2", "resource=https://a&resource=https://b"),
]


@pytest.mark.parametrize("more", GOOD)
def test_what_the_standards_allow_is_taken(more: str, flow: Flow) -> None:
    assert flow.browser.get(f"{flow.address()}&{more}").status_code == 200


BAD_AGES = (
    *("-1", "+5", "1.0", "1e3", "0x10", "five", "5 ", " 5", "5s", "1_000", "1,000", "null", "true", "[5]"),
    *("١", "５", "²", "\0", "5\n", "9" * 21, "9" * 5000),  # noqa: RUF001 (digits, of a kind)
)


@pytest.mark.parametrize("age", BAD_AGES)
def test_a_malformed_max_age_is_refused_by_name(age: str, flow: Flow) -> None:
    said = refusal(flow, flow.address(max_age=age))
    assert (said["error"], said["state"]) == ("invalid_request", "a state")
    assert "max_age" in said["error_description"]


@pytest.mark.parametrize("prompt", ["None", "LOGIN", "create", "login,consent", "login\tconsent", "é", "\0"])
def test_an_unknown_prompt_is_refused_by_name(prompt: str, flow: Flow) -> None:
    said = refusal(flow, flow.address(prompt=prompt))
    assert said["error"] == "invalid_request" and "prompt" in said["error_description"]


@pytest.mark.parametrize("prompt", ["none login", "login none", "none consent", "none select_account"])
@pytest.mark.parametrize("scope", ["openid", "services:read"])
def test_prompt_none_stands_alone(prompt: str, scope: str, flow: Flow) -> None:
    flow.scope = scope
    for each in (logged_out(flow), flow):
        said = refusal(each, each.address(prompt=prompt))
        assert said["error"] == "invalid_request" and "prompt" in said["error_description"]


ONCE = {
    *("code_challenge", "code_challenge_method", "nonce", "prompt", "max_age", "display", "ui_locales"),
    *("claims_locales", "id_token_hint", "login_hint", "acr_values", "claims", "registration"),
    *("request", "request_uri", "response_mode"),
}


@pytest.mark.parametrize("name", sorted(ONCE))
@pytest.mark.parametrize("values", [("1", "1"), ("1", "2"), ("", "1"), ("", "")])
def test_a_repeated_parameter_is_refused_by_name(name: str, values: tuple[str, str], flow: Flow) -> None:
    twice = urlencode([(name, value) for value in values])
    said = refusal(flow, f"{flow.address(**dict.fromkeys(CHALLENGE) if name in CHALLENGE else {})}&{twice}")
    assert said["error"] == "invalid_request"
    assert name in said["error_description"].split()


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "response_type", "scope", "state"])
@pytest.mark.parametrize("value", ["", "x"])
def test_one_that_says_where_to_answer_is_an_error_page(name: str, value: str, flow: Flow) -> None:
    answer = flow.browser.get(f"{flow.address()}&{name}={value}")
    assert answer.status_code == 400 and name in answer.content.decode()


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"code_challenge": "short"}, "code_challenge"),
        ({"code_challenge": "x" * 42 + "="}, "code_challenge"),
        ({"code_challenge_method": "plain"}, "code_challenge_method"),
        ({"code_challenge_method": "s256"}, "code_challenge_method"),
        ({"code_challenge_method": ""}, "code_challenge_method"),
        ({"nonce": "n" * 256}, "nonce"),
        ({"nonce": "\0"}, "nonce"),
        ({"state": "\r\nX: 1"}, "state"),
        ({"response_mode": "fragment"}, "response_mode"),
        ({"response_type": ""}, "response_type"),
        ({"response_type": "token"}, "response_type"),
        ({"response_type": "code token"}, "response_type"),
        ({"response_type": "CODE"}, "response_type"),
    ],
)
def test_an_error_names_the_parameter(changed: dict[str, Any], name: str, flow: Flow) -> None:
    answer = flow.browser.get(flow.address(**changed))
    assert answer["Location"].startswith(f"{CALLBACK}?")
    assert name in parameters(answer["Location"])["error_description"]


@pytest.mark.parametrize("scope", ["openid", "services:read"])
def test_prompt_none_says_what_would_be_missing(scope: str, flow: Flow) -> None:
    flow = logged_out(flow)
    flow.scope = scope
    silent = flow.address(prompt="none")
    assert parameters(flow.browser.get(silent)["Location"])["error"] == "login_required"
    flow.log_in(flow.address())
    said = refusal(flow, silent)
    assert (said["error"], said["state"]) == ("consent_required", "a state")
    old = flow.address(prompt="none", max_age="0")
    assert refusal(flow, old)["error"] == "login_required"


def test_prompt_none_of_a_person_who_can_allow_nothing_needs_more_than_a_consent(cast: Cast) -> None:
    flow = Flow(make_client("audit:read"), cast.mallory, scope="audit:read")
    flow.log_in(flow.address())
    assert refusal(flow, flow.address(prompt="none"))["error"] == "interaction_required"


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("openid offline_access", "openid"),
        ("offline_access openid", "openid"),
        ("openid groups", "openid"),
        ("groups services:read nonesuch openid", "services:read openid"),
        ("openid  services:read ", "openid services:read"),
        ("offline_access", "openid services:read"),  # as if it named none
        ("", "openid services:read"),
        (None, "openid services:read"),
    ],
)
def test_unknown_scopes_are_ignored(scope: str | None, granted: str, flow: Flow) -> None:
    tokens = flow.tokens(scope=scope)
    assert tokens["scope"] == granted
    again = flow.refresh(tokens["refresh_token"], scope=scope)
    assert (again.status_code, again.json().get("scope")) == (200, granted), again.content


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ("services:write", "services:write"),
        ("openid services:write groups", "services:write"),
        ("groups", "groups"),
        ("groups offline_access", "groups"),
        ("openid\tservices:read", "scope"),
        ("openid services:réad", "scope"),
        ('openid "', "scope"),
        ("openid \0", "scope"),
        ("x" * 5000, "scope"),
    ],
)
def test_a_scope_that_cannot_be_had_is_named(scope: str, named: str, flow: Flow) -> None:
    said = refusal(flow, flow.address(scope=scope))
    assert said["error"] == "invalid_scope" and named in said["error_description"]
    assert len(said["error_description"]) < 500
    tokens = flow.tokens()
    refused = flow.refresh(tokens["refresh_token"], scope=scope)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert named in refused.json()["error_description"]


def test_a_machine_is_told_the_same(cast: Cast) -> None:
    machine = make_client("services:read", owner=cast.acme)
    assert machine_token(machine, scope="services:read groups offline_access")["scope"] == "services:read"
    for scope in ("services:write", "groups", "openid"):
        refused = post("token", machine, grant_type="client_credentials", scope=scope)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
        assert scope in refused.json()["error_description"]
