"""Whom a client means by id_token_hint when it asks for authorization (OpenID Connect Core 3.1.2.1)."""

from typing import Any

import pytest

from accounts.models import User
from oauth.models import OAuthCode
from tests.oauth.authorize.test_asked import refusal
from tests.oauth.flow import Flow, make_client, parameters, text_of
from tests.oauth.test_logout import (
    GOOD,
    NOT_GOOD,
    flow,  # noqa: F401 (a fixture)
    forged,
    hint_of,
)

BAD = {name: make for name, make in NOT_GOOD.items() if name not in {"none", "another person"}}


def of_bob(flow: Flow) -> str:  # noqa: F811
    return forged(flow, sub=str(User.objects.get(username="bob").uuid))


@pytest.mark.parametrize("kind", GOOD)
def test_the_person_meant_is_asked_however_old_the_hint(kind: str, flow: Flow) -> None:  # noqa: F811
    hint = forged(flow, **GOOD[kind])
    assert flow.browser.get(flow.address(id_token_hint=hint)).status_code == 200
    assert flow.exchange(flow.code(id_token_hint=hint)).status_code == 200
    silent = refusal(flow, flow.address(id_token_hint=hint, prompt="none"))
    assert silent["error"] == "consent_required"


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_hint_that_names_nobody_for_sure_is_refused_by_name(
    kind: str,
    prompt: str | None,
    flow: Flow,  # noqa: F811
) -> None:
    said = refusal(flow, flow.address(id_token_hint=BAD[kind](flow), prompt=prompt))
    assert (said["error"], said["state"]) == ("invalid_request", "a state")
    assert "id_token_hint" in said["error_description"]


def test_a_hint_that_another_client_got_is_refused(flow: Flow) -> None:  # noqa: F811
    other = Flow(make_client("openid"), flow.user, scope="openid", browser=flow.browser)
    assert refusal(other, other.address(id_token_hint=hint_of(flow)))["error"] == "invalid_request"


def test_nobody_else_answers_silently(flow: Flow) -> None:  # noqa: F811
    address = flow.address(id_token_hint=of_bob(flow), prompt="none")
    said = refusal(flow, address)
    assert (said["error"], said["state"]) == ("login_required", "a state")


def test_nobody_else_answers_at_all_until_the_person_meant_has_logged_in(
    flow: Flow,  # noqa: F811
) -> None:
    OAuthCode.objects.all().delete()
    address = flow.address(id_token_hint=of_bob(flow))
    login: Any = flow.browser.get(address)["Location"]
    assert login == flow.answer(address)["Location"]
    assert not OAuthCode.objects.exists()
    assert "You are logged in as alice" in text_of(flow.browser.get(login))
    back = flow.log_in(address)["Location"]  # as alice again
    assert flow.browser.get(back)["Location"] == login
    back = flow.log_in(address, identifier="bob")["Location"]
    assert "You are bob" in text_of(flow.browser.get(back))
    assert "code" in parameters(flow.answer(back)["Location"])


def test_a_stranger_is_asked_to_log_in_for_any_hint(flow: Flow) -> None:  # noqa: F811
    stranger = Flow(flow.client, flow.user, scope="openid")
    silent = stranger.address(id_token_hint=hint_of(flow), prompt="none")
    assert refusal(stranger, silent)["error"] == "login_required"
    back = stranger.log_in(stranger.address(id_token_hint=hint_of(flow)))["Location"]
    assert stranger.browser.get(back).status_code == 200
