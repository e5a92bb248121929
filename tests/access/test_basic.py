"""A key as the password of Basic (RFC 7617), where the profile accepts it there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apikeys.services.api_keys import NewKey
from audit.models import Event
from config import profiles
from config.profiles import Profile, ProfileError
from tests.access.basic import basic, encoded
from tests.accounts.helpers import serving
from tests.at_rest import everything_stored
from tests.config.profile_texts import GOOD, SHIPPED
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in, make_key
from tests.oauth.flow import BASE, FORM, machine_token, make_client

pytestmark = pytest.mark.requirement(116)

BEARER = 'Bearer realm="Keyhouse"'
BASIC = f'Basic realm="Keyhouse", charset="UTF-8", {BEARER}'
SCRIPT = {"Sec-Fetch-Mode": "cors"}
STOCK = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}


def api_keys(headers: dict[str, str]) -> Any:
    return Api(headers).get("api-keys")


def check(headers: dict[str, str]) -> Any:
    return Api(STOCK | headers).get("/gateway/check")


DOORS = (api_keys, check)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice, "keys:read")


def challenge_of(answer: Any) -> str:
    return str(answer.headers["WWW-Authenticate"])


@pytest.mark.parametrize("user", ["", "__token__", "alice", "bob", "é ☃", "x" * 600])
def test_the_password_is_the_key_whatever_the_user_name_is(key: NewKey, cast: Cast, user: str) -> None:
    api = Api(basic(key.text, user))
    assert api.get("auth/me").json()["username"] == "alice"
    assert [each["name"] for each in api.get("api-keys").json()["results"]] == [key.row.name]
    assert_problem(api.post("api-keys", {"name": "x"}), 403, "insufficient_scope")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "Basic  "])
def test_the_scheme_may_be_spelled_in_any_case(key: NewKey, scheme: str) -> None:
    _, _, text = basic(key.text)["Authorization"].partition(" ")
    assert Api({"Authorization": f"{scheme} {text}"}).get("api-keys").status_code == 200


def test_a_key_in_basic_costs_what_a_key_in_its_header_costs(
    key: NewKey, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert Api(basic(key.text)).get("scopes").status_code == 200


MALFORMED = {
    "nothing": "Basic",
    "a space": "Basic ",
    "no space": "Basic:{}",
    "a tab": "Basic\t{}",
    "two texts": "Basic {} {}",
    "two headers": "Basic {},Basic {}",
    "Bearer beside it": "Basic {},Bearer x",
    "another alphabet": "Basic {}_-",
    "too much padding": "Basic {}===",
    "needless padding": "Basic {}=",
    "stray bits": "Basic YTp=",
    "padding in the middle": "Basic YTo=YTo=",
    "too little padding": "Basic YTpiY",
    "one character": "Basic Y",
    "no colon": "Basic YWxpY2U=",
    "UTF-16": "Basic //5hADoA",
    "Latin-1": "Basic 6Tp4",
    "too long": f"Basic {'YTpi' * 300}",
    "much too long": f"Basic {'YTpi' * 15_000}",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_basic_is_refused_without_a_query(
    key: NewKey, django_assert_num_queries: Any, name: str
) -> None:
    _, _, text = basic(key.text)["Authorization"].partition(" ")
    headers = {"Authorization": MALFORMED[name].replace("{}", text)}
    with django_assert_num_queries(0):
        problem = assert_problem(api_keys(headers), 400, "invalid_request")
        refused = check(headers)
        assert_problem(refused, 401, "invalid_request")
    assert "base64 of USER:KEY" in problem["detail"]
    assert challenge_of(refused) == f'{BASIC}, error="invalid_request"'


def test_a_password_that_is_not_a_key_is_refused_without_a_query(
    cast: Cast, key: NewKey, django_assert_num_queries: Any
) -> None:
    client = make_client("services:read", owner=cast.acme)
    wrong = [
        basic(PASSWORD, "alice"),
        basic("", key.text),  # as the user name, which proxies write into their logs
        basic("", ""),
        basic(key.text[:-1] + ("a" if key.text[-1] != "a" else "b")),
        basic(f"{key.text}\n"),
        basic(f":{key.text}"),
        basic("\0\x1b"),
        basic(log_in(cast.alice)["access_token"]),
        basic(machine_token(client)["access_token"]),
        basic(client.secret, client.row.client_id),
    ]
    for headers in wrong:
        for door in DOORS:
            with django_assert_num_queries(0):
                refused = door(headers)
            assert_problem(refused, 401, "invalid_token")
            assert challenge_of(refused) == f'{BASIC}, error="invalid_token"'


@pytest.mark.requirement(65)
def test_basic_beside_a_key_is_two_credentials(key: NewKey) -> None:
    for headers in (basic(key.text), basic("x"), {"Authorization": "Basic"}):
        twice = {"X-API-Key": key.text, **headers}
        assert_problem(api_keys(twice), 400, "invalid_request")
        assert_problem(check(twice), 401, "invalid_request")


@pytest.mark.requirement(96)
def test_a_refused_key_in_basic_is_stored_in_no_form(cast: Cast, key: NewKey) -> None:
    headers = basic(key.text)
    assert as_user(cast.alice).delete(f"api-keys/{key.row.uuid}").status_code == 204
    assert_problem(Api(headers).get("api-keys"), 401, "invalid_token")
    assert Event.objects.filter(name="api_key:refused").exists()
    stored = everything_stored()
    assert [secret for secret in (key.text, headers["Authorization"][12:52]) if secret in stored] == []


def test_a_browser_gets_no_challenge_that_opens_a_dialog(cast: Cast, key: NewKey) -> None:
    for door in DOORS:
        assert challenge_of(door({})) == BASIC
        for mode in ("cors", "navigate", "same-origin", "no-cors"):
            assert challenge_of(door({"Sec-Fetch-Mode": mode})) == BEARER
        assert challenge_of(door(SCRIPT | basic("x"))) == f'{BEARER}, error="invalid_token"'
    assert api_keys(SCRIPT | basic(key.text)).status_code == 200


def test_basic_is_offered_only_where_a_key_is_accepted(cast: Cast) -> None:
    wrong = {"username": "alice", "password": "wrong"}
    assert challenge_of(Api().post("auth/login", wrong)) == BEARER
    narrow = Api(basic(make_key(cast.alice).text))
    assert challenge_of(narrow.get("audit")).startswith(f'{BEARER}, error="insufficient_scope"')
    with serving("keys", at_own_endpoints=False):
        assert challenge_of(Api().get("auth/me")) == BEARER
        assert challenge_of(check({})) == BASIC


@pytest.mark.requirement(72)
@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_basic_at_the_endpoints_of_oauth2_is_still_the_client(cast: Cast, key: NewKey, endpoint: str) -> None:
    client = make_client("services:read", owner=cast.acme)
    body = {"token": "grant_type=client_credentials"}.get(endpoint, "token=oat_x")

    def post(headers: dict[str, str]) -> Any:
        return Client().post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers)

    for user in ("", "__token__", client.row.client_id):
        refused = post(basic(key.text, user))
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert challenge_of(refused) == 'Basic realm="Keyhouse"'
    assert post(basic(client.secret, client.row.client_id)).status_code == 200


def test_a_profile_without_it_ignores_basic_and_does_not_offer_it(key: NewKey) -> None:
    with serving("keys", basic=False):
        for door in DOORS:
            for headers in ({}, basic(key.text), {"Authorization": "Basic"}):
                refused = door(headers)
                assert_problem(refused, 401, "not_authenticated")
                assert challenge_of(refused) == BEARER
        assert Api(basic("x") | {"X-API-Key": key.text}).get("api-keys").status_code == 200


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "keyhouse"])
def test_no_product_accepts_it(served_profile: Callable[[Profile], None], db: None, name: str) -> None:
    profile = profiles.load(name)
    served_profile(profile)
    assert not profile.keys.basic
    refused = Api(basic("x")).get(f"{profile.base_path}/auth/me")
    assert (refused.status_code, challenge_of(refused)) == (401, f'Bearer realm="{profile.product.name}"')


def test_a_profile_may_accept_keys_in_basic_alone() -> None:
    text = GOOD.replace('"X-API-Key"', '""')
    alone = text.replace("bearer = true", "bearer = false\nbasic = true")
    assert profiles.parse(alone, source="alone").keys.basic
    with pytest.raises(ProfileError, match="set a header, bearer = true or basic = true"):
        profiles.parse(text.replace("bearer = true", "bearer = false"), source="none")


def test_a_header_that_is_not_text_is_no_key(db: None) -> None:
    for text in (b"\xff:x", b":\xff", b"\xed\xa0\x80:x"):
        assert_problem(Api(encoded(text)).get("auth/me"), 400, "invalid_request")
