"""A client sends one credential in one header. Everything else is refused."""

from typing import Any

import pytest
from django.test import Client

from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from apikeys.usage import counting
from audit.models import Event
from config import profiles
from tests.conftest import Cast, as_user, assert_problem, log_in, make_key, with_key

CHALLENGE = 'Basic realm="Keyhouse", charset="UTF-8", Bearer realm="Keyhouse"'


def get(path: str = "/api/v1/api-keys", address: str = "192.0.2.7", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(headers=names, raise_request_exception=False).get(path, REMOTE_ADDR=address)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice, "keys:read")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.requirement(65)
def test_the_scheme_is_case_insensitive(key: NewKey, scheme: str) -> None:
    assert get(Authorization=f"{scheme} {key.text}").status_code == 200
    assert get(Authorization=f"{scheme}   {key.text}").status_code == 200


def test_the_key_header_is_case_insensitive_and_the_key_is_not(key: NewKey) -> None:
    assert get(x_api_key=key.text).status_code == 200
    assert_problem(get(x_api_key=key.text.swapcase()), 401, "invalid_token")


@pytest.mark.parametrize("other", ["key", "jwt", "garbage", ""])
@pytest.mark.requirement(65)
def test_two_credentials_in_one_request_are_400(cast: Cast, key: NewKey, other: str) -> None:
    second = {"key": make_key(cast.bob).text, "jwt": log_in(cast.bob)["access_token"]}.get(other, other)
    assert_problem(get(X_API_Key=key.text, Authorization=f"Bearer {second}"), 400, "invalid_request")


@pytest.mark.requirement(65)
def test_the_same_credential_twice_is_400(key: NewKey) -> None:
    assert_problem(get(X_API_Key=key.text, Authorization=f"Bearer {key.text}"), 400, "invalid_request")
    assert_problem(get(X_API_Key=f"{key.text},{key.text}"), 400, "invalid_request")
    assert_problem(get(Authorization=f"Bearer {key.text},Bearer {key.text}"), 400, "invalid_request")


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer a b", "Bearer\t{}", "Bearer {} ", "Bearer:{}"]
)
def test_a_malformed_bearer_is_400(key: NewKey, value: str) -> None:
    assert_problem(get(Authorization=value.format(key.text)), 400, "invalid_request")


@pytest.mark.parametrize(
    "query", ["api_key={}", "x-api-key={}", "API_KEY={}", "access_token={}", "token={}", "q={}", "a=1&a={}"]
)
@pytest.mark.requirement(65)
def test_a_key_in_the_url_is_refused_even_beside_a_good_one(key: NewKey, query: str) -> None:
    path = f"/api/v1/api-keys?{query.format(key.text)}"
    assert_problem(get(path), 400, "invalid_request")
    assert_problem(get(path, X_API_Key=key.text), 400, "invalid_request")


SECRET_MEMBERS = """access_token accessToken refresh_token refreshToken token api_key apiKey X-API-Key
password current_password currentPassword new_password newPassword NEW-PASSWORD totp_code totpCode
client_secret clientSecret code_verifier codeVerifier"""


@pytest.mark.parametrize("member", SECRET_MEMBERS.split())
@pytest.mark.requirement(65)
def test_a_secret_in_the_url_is_refused_however_its_member_is_spelled(member: str, db: None) -> None:
    assert_problem(get(f"/api/v1/auth/me?{member}=x"), 400, "invalid_request")


@pytest.mark.requirement(65)
def test_a_key_in_the_path_or_the_body_lets_nobody_in(key: NewKey) -> None:
    assert_problem(get(f"/api/v1/api-keys/{key.text}"), 401, "not_authenticated")
    sent = Client().post("/api/v1/api-keys", {"api_key": key.text}, content_type="application/json")
    assert_problem(sent, 401, "not_authenticated")


@pytest.mark.requirement(65)
def test_a_401_carries_the_challenge(key: NewKey) -> None:
    nothing, bad = get(), get(X_API_Key="kh_live_nonsense")
    assert_problem(nothing, 401, "not_authenticated")
    assert nothing.headers["WWW-Authenticate"] == CHALLENGE
    assert_problem(bad, 401, "invalid_token")
    assert bad.headers["WWW-Authenticate"] == f'{CHALLENGE}, error="invalid_token"'


@pytest.mark.parametrize("value", ["Token {}", "Api-Key {}", "{}", "Negotiate {}"])
def test_another_scheme_is_not_a_credential(key: NewKey, value: str) -> None:
    assert_problem(get(Authorization=value.format(key.text)), 401, "not_authenticated")
    assert get(Authorization=value.format(key.text), X_API_Key=key.text).status_code == 200


def test_an_access_token_in_the_key_header_is_not_a_key(cast: Cast) -> None:
    assert_problem(get(X_API_Key=log_in(cast.alice)["access_token"]), 401, "invalid_token")


@pytest.mark.parametrize(
    "value", ["", " ", "kh_live_", "x" * 8_000, "kh_live_ÿ" + "a" * 35, "\u0000", "\u0080"]
)
@pytest.mark.requirement(55)
def test_a_malformed_key_is_401_without_a_query(
    key: NewKey, django_assert_num_queries: Any, value: str
) -> None:
    with django_assert_num_queries(0):
        assert_problem(get(X_API_Key=value), 401, "invalid_token")


@pytest.mark.requirement(55)
def test_a_wrong_checksum_is_401_without_a_query(key: NewKey, django_assert_num_queries: Any) -> None:
    wrong = key.text[:-1] + ("a" if key.text[-1] != "a" else "b")
    with django_assert_num_queries(0):
        assert_problem(get(X_API_Key=wrong), 401, "invalid_token")
        assert_problem(get(Authorization=f"Bearer {wrong}"), 401, "invalid_token")


def test_a_good_key_costs_one_query(key: NewKey, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert get("/api/v1/scopes", X_API_Key=key.text).status_code == 200


def test_a_good_key_of_a_member_of_many_organizations_costs_one_query(
    cast: Cast, key: NewKey, django_assert_num_queries: Any
) -> None:
    from access.callers import caller_at_command_line
    from accounts.organizations.services import add_member

    add_member(caller=caller_at_command_line(), organization=cast.umbrella, user=cast.alice, role="developer")
    with django_assert_num_queries(1):
        assert get("/api/v1/scopes", X_API_Key=key.text).status_code == 200


def test_a_profile_can_take_keys_in_their_own_header_only(key: NewKey) -> None:
    from tests.apikeys.profiles import changed

    form = profiles.active().keys
    with profiles.override(changed(keys={"bearer": False})):
        assert_problem(get(Authorization=f"Bearer {key.text}"), 401, "invalid_token")
        assert get(X_API_Key=key.text).status_code == 200
    with profiles.override(changed(keys={"header": "X-Product-Key"})):
        assert_problem(get(X_API_Key=key.text), 401, "not_authenticated")
        assert get(X_Product_Key=key.text).status_code == 200
    assert profiles.active().keys is form


@pytest.mark.parametrize(
    "forwarded",
    [
        "203.0.113.5",
        "x",
        "",
        ",,,",
        "203.0.113.5, 10.0.0.1",
        "fe80::1%" + "z" * 900,
        "1" * 4_000,
        "\u0000",
        "::1,\t,",
    ],
)
@pytest.mark.requirement(64)
def test_x_forwarded_for_of_an_untrusted_peer_is_ignored(key: NewKey, forwarded: str) -> None:
    assert get(X_API_Key=key.text, X_Forwarded_For=forwarded).status_code == 200
    assert last_ip(key) == "192.0.2.7"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5, 10.0.0.9", "203.0.113.5"),
        ("198.51.100.1, x, 10.0.0.9", ""),
        ("x", ""),
        ("", "10.0.0.1"),
        ("fe80::1%" + "z" * 900, "fe80::1"),
        ("fe80::1%\x1b[31m", ""),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ("1" * 4_000, ""),
        ("१.1.1.1", ""),
    ],
)
@pytest.mark.requirement(64)
def test_a_trusted_proxy_is_believed_as_far_as_it_makes_sense(
    key: NewKey, settings: Any, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert get(X_API_Key=key.text, X_Forwarded_For=forwarded, address="10.0.0.1").status_code == 200
    assert last_ip(key) == expected
    refused = get(
        X_API_Key=key_text.mint(profiles.active().keys.environments["live"]),
        X_Forwarded_For=forwarded,
        address="10.0.0.1",
    )
    assert_problem(refused, 401, "invalid_token")
    assert Event.objects.filter(name="api_key:refused").latest("sequence").ip == expected


def last_ip(key: NewKey) -> str:
    counting.flush()
    return ApiKey.objects.get(pk=key.row.pk).last_used_ip


def test_the_api_shows_last_use(cast: Cast, key: NewKey) -> None:
    assert with_key(key).get("api-keys").status_code == 200
    counting.flush()
    shown = as_user(cast.alice).get(f"api-keys/{key.row.uuid}").json()
    assert (shown["use_count"], shown["last_used_ip"]) == (1, "127.0.0.1")
    assert shown["last_used_at"].endswith("Z")
