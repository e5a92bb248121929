"""The credential in a request's headers (RFC 6750)."""

import pytest
from django.test import RequestFactory

from access.credentials import Presented, presented
from config.wire.errors import MalformedCredentials
from tests.accounts.helpers import serving
from tests.conftest import Api, Cast, assert_problem, log_in, make_key


def found_in(**headers: str) -> Presented | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return presented(RequestFactory().get("/", headers=named))


def test_neither_no_header_nor_a_header_of_another_scheme_is_a_credential() -> None:
    assert found_in() is None
    assert found_in(Authorization="") is None
    assert found_in(Authorization="Digest YWxpY2U6c2VjcmV0") is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.requirement(65)
def test_the_scheme_is_case_insensitive(scheme: str) -> None:
    assert found_in(Authorization=f"{scheme} abc.def") == Presented("abc.def", is_key=False)


def test_a_key_is_told_from_a_token_by_its_prefix_and_by_its_header() -> None:
    assert found_in(Authorization="Bearer kh_live_abc") == Presented("kh_live_abc", is_key=True)
    assert found_in(Authorization="Bearer kh_prod_abc") == Presented("kh_prod_abc", is_key=False)
    assert found_in(X_API_Key="abc") == Presented("abc", is_key=True)
    assert found_in(X_API_Key="") == Presented("", is_key=True)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a,b",
        "Bearer\ta",
        "Bearer é",
        "Bearer =a",
        "Bearer:a",
        "Bearers a",
    ],
)
@pytest.mark.requirement(65)
def test_a_malformed_bearer_is_refused(header: str) -> None:
    with pytest.raises(MalformedCredentials):
        found_in(Authorization=header)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.requirement(65)
def test_two_credentials_in_one_request_are_refused(cast: Cast, scheme: str) -> None:
    key, pair = make_key(cast.alice, "services:read"), log_in(cast.alice)
    for bearer in (pair["access_token"], key.text, "x"):
        both = Api({"Authorization": f"{scheme} {bearer}", "X-API-Key": key.text})
        assert_problem(both.get("auth/me"), 400, "invalid_request")


@pytest.mark.requirement(65)
def test_two_headers_of_one_name_are_two_credentials(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read").text
    assert_problem(Api({"X-API-Key": f"{key},{key}"}).get("auth/me"), 400, "invalid_request")
    joined = f"Bearer {key},Bearer {key}"
    assert_problem(Api({"Authorization": joined}).get("auth/me"), 400, "invalid_request")


@pytest.mark.parametrize("name", ["access_token", "api_key", "x-api-key", "X-API-Key", "token", "anything"])
@pytest.mark.requirement(65)
def test_a_key_in_a_url_is_refused_whatever_else_comes(cast: Cast, name: str) -> None:
    key = make_key(cast.alice, "services:read").text
    for api in (Api(), Api({"X-API-Key": key})):
        assert_problem(api.get(f"auth/me?{name}={key}"), 400, "invalid_request")


@pytest.mark.requirement(65)
def test_a_401_says_how_to_authenticate_and_whether_something_was_wrong(cast: Cast) -> None:
    challenges = {
        "nothing": Api().get("auth/me").headers["WWW-Authenticate"],
        "key": Api({"X-API-Key": "kh_live_x"}).get("auth/me").headers["WWW-Authenticate"],
        "token": Api({"Authorization": "Bearer x"}).get("auth/me").headers["WWW-Authenticate"],
    }
    plain = 'Basic realm="Keyhouse", charset="UTF-8", Bearer realm="Keyhouse"'
    refused = f'{plain}, error="invalid_token"'
    assert challenges == {"nothing": plain, "key": refused, "token": refused}


def test_another_scheme_is_answered_like_no_credential(cast: Cast) -> None:
    digest = Api({"Authorization": "Digest YWxpY2U6c2VjcmV0"})
    assert_problem(digest.get("auth/me"), 401, "not_authenticated")


def test_a_profile_without_bearer_keys_accepts_no_key_after_bearer(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read").text
    with serving("keys", bearer=False):
        assert_problem(Api({"Authorization": f"Bearer {key}"}).get("auth/me"), 401, "invalid_token")
        assert Api({"X-API-Key": key}).get("auth/me").status_code == 200
    assert Api({"Authorization": f"Bearer {key}"}).get("auth/me").status_code == 200


def test_the_profile_names_the_header_of_keys(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read").text
    with serving("keys", header="X-Another-Key"):
        assert_problem(Api({"X-API-Key": key}).get("auth/me"), 401, "not_authenticated")
        assert Api({"X-Another-Key": key}).get("auth/me").status_code == 200


def test_a_credential_does_not_print_itself(cast: Cast) -> None:
    key = make_key(cast.alice)
    for thing in (Presented(key.text, is_key=True), key):
        assert key.text not in repr(thing)
