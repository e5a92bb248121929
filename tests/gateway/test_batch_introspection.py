"""POST /gateway/introspect with {"tokens": […]}: many answers at once, in order."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from apikeys.at_rest import key_text
from apikeys.services.revocation import revoke_api_keys
from config import profiles
from gateway.introspection import MOST_TOKENS
from tests.conftest import Api, Cast, assert_problem, log_in, make_key, with_key
from tests.gateway.test_introspection import FORM, ask

INACTIVE = {"active": False}


@pytest.fixture
def service(cast: Cast) -> Api:
    """A service that may ask about everything."""
    return with_key(make_key(cast.ada, "introspect"))


def ask_many(api: Api, tokens: Any, **members: Any) -> Any:
    return api.post("/gateway/introspect", {"tokens": tokens, **members})


def test_the_answers_stand_in_the_order_of_the_tokens(cast: Cast, service: Api) -> None:
    revoked = make_key(cast.bob)
    revoke_api_keys(caller=caller_at_command_line(), selected=[revoked.row])
    ends = timezone.now() + timedelta(hours=1)
    tokens = [
        make_key(cast.bob, "services:write").text,
        "nonsense",
        log_in(cast.mallory)["access_token"],
        revoked.text,
        make_key(cast.acme, expires_at=ends).text,
    ]
    answer = ask_many(service, [*tokens, tokens[0]])
    assert answer.status_code == 200
    told = answer.json()
    assert told == [ask(service, token).json() for token in [*tokens, tokens[0]]]
    assert [each["active"] for each in told] == [True, False, True, False, True, True]
    assert told[1] == told[3] == INACTIVE


def test_a_batch_of_one_is_a_list_and_a_token_alone_is_as_the_rfc_has_it(cast: Cast, service: Api) -> None:
    key = make_key(cast.bob)
    assert ask_many(service, [key.text]).json() == [ask(service, key.text).json()]


def test_an_asker_sees_in_a_batch_what_it_sees_one_by_one(cast: Cast) -> None:
    asker = with_key(make_key(cast.acme, "introspect"))
    tokens = [make_key(cast.bob).text, make_key(cast.charlie).text, make_key(cast.umbrella).text]
    assert [each["active"] for each in ask_many(asker, tokens).json()] == [True, False, False]


def test_the_client_s_address_holds_for_the_whole_batch(cast: Cast, service: Api) -> None:
    bound = make_key(cast.bob, allowed_networks=["192.0.2.0/24"])
    tokens = [bound.text, make_key(cast.bob).text]
    assert [each["active"] for each in ask_many(service, tokens).json()] == [False, True]
    inside = ask_many(service, tokens, client_ip="192.0.2.7").json()
    assert [each["active"] for each in inside] == [True, True]
    assert_problem(ask_many(service, tokens, client_ip="nowhere"), 400, "invalid", "client_ip")


def test_a_token_costs_one_query_and_a_cached_one_no_query(
    cast: Cast, service: Api, lease: Callable[[float], None], django_assert_num_queries: Any
) -> None:
    lease(60)
    tokens = [make_key(cast.bob).text for _ in range(5)]
    ask_many(service, ["x"])  # caches the asker and the epoch
    with django_assert_num_queries(3):
        ask_many(service, tokens[:3])
    with django_assert_num_queries(2):
        ask_many(service, [*tokens, tokens[0], "nonsense", "kh_live_nonsense"])


def test_as_many_as_allowed_can_be_asked_about_and_not_one_more(service: Api) -> None:
    form = profiles.active().keys.environments["live"]
    unknown = [key_text.mint(form) for _ in range(MOST_TOKENS)]
    assert ask_many(service, unknown).json() == [INACTIVE] * MOST_TOKENS
    assert_problem(ask_many(service, [*unknown, "x"]), 400, "invalid", "tokens")


@pytest.mark.parametrize("tokens", [[], None, "x", 5, {}, {"0": "x"}, True])
def test_a_malformed_list_of_tokens_is_400(service: Api, tokens: Any) -> None:
    assert_problem(ask_many(service, tokens), 400, "invalid", "tokens")


@pytest.mark.parametrize("token", ["", None, 5, ["x"], {}, "a\x00"])
def test_a_token_that_is_not_a_text_is_400_and_named(service: Api, token: Any) -> None:
    assert_problem(ask_many(service, ["x", token]), 400, "invalid", "tokens.1")


def test_token_and_tokens_at_once_are_400(service: Api) -> None:
    assert_problem(ask_many(service, ["x"], token="x"), 400, "invalid", "tokens")
    assert_problem(ask_many(service, [], token="x"), 400, "invalid", "tokens")


@pytest.mark.parametrize("body", ["tokens=x", "tokens=x&tokens=y", "tokens=x&token=y"])
def test_a_batch_in_a_form_is_400(service: Api, body: str) -> None:
    sent = service.client.post("/gateway/introspect", body, content_type=FORM)
    problem = assert_problem(sent, 400, "invalid", "tokens")
    assert "is accepted in JSON only" in problem["detail"]


def test_a_batch_needs_what_one_token_needs(cast: Cast) -> None:
    assert_problem(ask_many(Api(), ["x"]), 401, "not_authenticated")
    assert_problem(ask_many(with_key(make_key(cast.bob)), ["x"]), 403, "insufficient_scope")


def test_the_batch_is_in_the_openapi_document() -> None:
    document = json.loads(Api().get("/schema").content)
    operation = document["paths"]["/gateway/introspect"]["post"]
    forms = operation["requestBody"]["content"]
    assert set(forms) == {"application/json", "application/x-www-form-urlencoded"}
    either = document["components"]["schemas"][_name(forms["application/json"]["schema"])]
    batch = document["components"]["schemas"][_name(either["oneOf"][1])]
    assert batch["properties"]["tokens"]["maxItems"] == MOST_TOKENS
    answers = operation["responses"]["200"]["content"]["application/json"]["schema"]
    told = document["components"]["schemas"][_name(answers)]["oneOf"]
    assert [each.get("type", "one") for each in told] == ["one", "array"]


def _name(schema: dict[str, str]) -> str:
    return schema["$ref"].rpartition("/")[2]
