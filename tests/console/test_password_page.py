"""/account/security/password: people change their password."""

import re

import pytest

from tests.conftest import PASSWORD, Cast, as_user, make_key, with_key
from tests.console.helpers import (
    AUTHENTICATOR,
    SECURITY,
    console_of,
    newest,
    text_of,
)
from tests.oauth.flow import Flow, make_client, with_token

NEW = "another walk to another lighthouse"
CHANGE = {"current_password": PASSWORD, "new_password": NEW}
CHANGE_PASSWORD = f"{SECURITY}/password"


@pytest.mark.requirement(38)
def test_a_new_password_ends_the_other_logins_and_keeps_this_one_and_the_keys(cast: Cast) -> None:
    client, other, api = console_of(cast.bob), console_of(cast.bob), as_user(cast.bob)
    key = with_key(make_key(cast.bob, "services:read"))
    tokens = Flow(make_client("openid"), cast.bob, scope="openid").tokens()
    said = text_of(client.get(CHANGE_PASSWORD))
    assert "logged out everywhere else, and connected applications lose access" in said
    answer = client.post(CHANGE_PASSWORD, CHANGE, follow=True)
    assert "Your password is changed." in text_of(answer)
    assert (client.get(SECURITY).status_code, other.get(SECURITY).status_code) == (200, 302)
    assert (api.get("auth/me").status_code, key.get("auth/me").status_code) == (401, 200)
    assert with_token(tokens).get("auth/me").status_code == 401
    cast.bob.refresh_from_db()
    assert cast.bob.check_password(NEW)
    assert (newest().name, newest().actor_id) == ("password:changed", str(cast.bob.uuid))


@pytest.mark.parametrize(
    ("form", "member", "said"),
    [
        ({"current_password": "something else"}, "current_password", "is wrong"),
        ({"current_password": ""}, "current_password", "This field is required"),
        ({"current_password": "x" * 5000}, "current_password", "at most"),
        ({"new_password": "short"}, "new_password", "at least"),
        ({"new_password": "\0" * 20}, "new_password", "Null characters"),
        ({"new_password": "é" * 5000}, "new_password", "at most"),
    ],
)
@pytest.mark.requirement(7)
def test_a_refused_password_is_said_beside_its_field(
    form: dict[str, str], member: str, said: str, cast: Cast
) -> None:
    client, other = console_of(cast.bob), console_of(cast.bob)
    answer = client.post(CHANGE_PASSWORD, CHANGE | form)
    text = text_of(answer)
    assert answer.status_code == 400 and said in " ".join(answer.context["form"].errors[member])
    assert re.search(
        rf'id="id_{member}"[^>]* aria-invalid="true"|aria-invalid="true"[^>]* id="id_{member}"', text
    )
    assert PASSWORD not in text and NEW not in text
    assert other.get(SECURITY).status_code == 200
    cast.bob.refresh_from_db()
    assert cast.bob.check_password(PASSWORD)


@pytest.mark.requirement(9)
def test_too_many_guesses_at_the_own_password_are_429(cast: Cast) -> None:
    client, wrong = console_of(cast.bob), CHANGE | {"current_password": "not the password"}
    answers = [client.post(CHANGE_PASSWORD, wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429]
    assert int(answers[-1]["Retry-After"]) > 0 and "Too many attempts" in text_of(answers[-1])
    assert client.post(AUTHENTICATOR, {"password": PASSWORD}).status_code == 429
    assert newest().name == "attempt:throttled"
