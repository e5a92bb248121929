"""GET /gateway/check: 200 with the identity headers, 401 or 403."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from access.callers import caller_at_command_line
from access.principals import Credential, Principal
from accounts.organizations.services import add_member
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from config import profiles
from config.wire import ids
from config.wire.http.heads import CREDENTIAL, ROUTE
from gateway.check import SHORT
from gateway.identity import identity_headers, identity_lines
from tests.conftest import Api, Cast, as_user, assert_problem, log_in, make_key, with_key
from tests.gateway.routing import row, with_routes

IDENTITY = ("X-Auth-Subject", "X-Auth-Organization", "X-Auth-Credential", "X-Auth-Scopes")
CHALLENGE = 'Basic realm="Keyhouse", charset="UTF-8", Bearer realm="Keyhouse"'


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    table = (
        row("GET", "/open/{page}", "none"),
        row("GET", "/keys", "key"),
        row("GET", "/people", "jwt"),
        row("GET", "/stock", scopes="services:read"),
        row("POST", "/stock", scopes="services:read services:write"),
        row("GET", "/admins", "jwt", roles="admin auditor"),
        row("GET", "/owners", "key jwt", roles="owner", scopes="services:read"),
        row("GET", "/any"),
    )
    with profiles.override(with_routes(*table)):
        yield


def check(api: Api, uri: str, method: str = "GET", **options: Any) -> Any:
    headers = {"X-Original-Method": method, "X-Original-URI": uri} | options.pop("headers", {})
    return api.get("/gateway/check", headers=headers, **options)


def identity(answer: Any) -> tuple[str, ...]:
    assert answer.status_code == 200, answer.content
    return tuple(answer.headers[name] for name in IDENTITY)


def test_a_key_of_an_organization_is_introduced(cast: Cast) -> None:
    key = make_key(cast.acme, "services:write", "keys:read")
    acme = str(cast.acme.uuid)
    expected = (acme, acme, f"key:{key.row.uuid}", "keys:read services:read services:write")
    answer = check(with_key(key), "/stock")
    assert identity(answer) == expected
    assert answer.content == b"" and "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "text/plain"


def test_a_key_is_introduced_by_the_id_that_the_product_shows(cast: Cast) -> None:
    key = make_key(cast.acme).row
    acme = Principal(str(cast.acme.uuid), "Acme", Credential("key", str(key.uuid), number=key.pk))
    for name in ("keyhouse", "sentrikat", "sentinelnerd"):
        with profiles.override(profiles.load(name)):
            shown = f"key:{ids.public_id('api_key', key)}"
            assert identity_headers(acme)["X-Auth-Credential"] == shown
            assert dict(identity_lines(acme, {}))[b"X-Auth-Credential"] == shown.encode()


@pytest.mark.parametrize("name", ["keyhouse", "sentrikat", "sentinelnerd"])
def test_a_login_is_introduced_by_its_uuid_whatever_ids_the_product_shows(name: str) -> None:
    session = str(uuid4())
    with profiles.override(profiles.load(name)):
        headers = identity_headers(Principal(str(uuid4()), "bob", Credential("jwt", session)))
    assert headers["X-Auth-Credential"] == f"jwt:{session}"


@pytest.mark.parametrize("https", [True, False])
def test_an_allowed_check_requires_https_where_the_public_url_has_it(settings: Settings, https: bool) -> None:
    settings.HTTPS = https
    caller = Principal(str(uuid4()), "Acme", Credential("oauth2", str(uuid4())))
    assert (b"Strict-Transport-Security" in dict(identity_lines(caller, {}))) is https


def test_a_key_of_a_person_acts_in_their_only_organization(cast: Cast) -> None:
    key = make_key(cast.bob, "services:write")
    expected = (
        str(cast.bob.uuid),
        str(cast.acme.uuid),
        f"key:{key.row.uuid}",
        "services:read services:write",
    )
    assert identity(check(with_key(key), "/stock", "POST")) == expected


def test_a_member_of_two_organizations_who_chooses_none_has_no_scopes_of_either(cast: Cast) -> None:
    add_member(caller=caller_at_command_line(), organization=cast.umbrella, user=cast.bob, role="developer")
    key = with_key(make_key(cast.bob, "services:write"))
    assert identity(check(key, "/stock"))[1::2] == ("", "services:read")
    assert_problem(check(key, "/stock", "POST"), 403, "insufficient_scope")


def test_a_login_is_introduced_by_its_session(cast: Cast) -> None:
    subject, organization, credential, scopes = identity(check(as_user(cast.mallory), "/stock"))
    assert (subject, organization) == (str(cast.mallory.uuid), "")
    assert credential.startswith("jwt:") and len(credential) == 40
    assert scopes == "keys:read keys:write services:read"


def test_on_an_open_route_nobody_is_introduced_not_even_by_the_client_s_own_headers(cast: Cast) -> None:
    hostile = dict.fromkeys(IDENTITY, "admin")
    for api in (
        Api(),
        with_key(make_key(cast.ada)),
        with_key("kh_live_malformed"),
        Api({"Authorization": "Bearer x"}),
    ):
        assert identity(check(api, "/open/page", headers=hostile)) == ("", "", "", "")


def test_a_client_s_own_identity_headers_are_overwritten(cast: Cast) -> None:
    hostile = dict.fromkeys(IDENTITY, "admin")
    assert "admin" not in identity(check(with_key(make_key(cast.bob)), "/any", headers=hostile))


def test_every_200_carries_all_four_headers(cast: Cast) -> None:
    for api in (with_key(make_key(cast.ada)), with_key(make_key(cast.acme)), as_user(cast.audrey)):
        assert set(IDENTITY) <= set(check(api, "/any").headers)


def test_nothing_good_is_401_with_a_challenge(cast: Cast) -> None:
    revoked = make_key(cast.bob)
    revoke_api_keys(caller=caller_at_command_line(), selected=[revoked.row])
    nothing = check(Api(), "/any")
    assert_problem(nothing, 401, "not_authenticated")
    assert nothing.headers["WWW-Authenticate"] == CHALLENGE
    for api in (with_key(revoked), with_key("x"), Api({"Authorization": "Bearer x.y.z"})):
        answer = check(api, "/any")
        assert_problem(answer, 401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == f'{CHALLENGE}, error="invalid_token"'
        assert not set(IDENTITY) & set(answer.headers)


@pytest.mark.requirement(65)
def test_two_credentials_are_401_since_proxies_know_no_400(cast: Cast) -> None:
    both = Api(
        {"X-API-Key": make_key(cast.bob).text, "Authorization": f"Bearer {log_in(cast.bob)['access_token']}"}
    )
    for api, detail in (
        (both, "Send one credential: Authorization or X-API-Key, not both."),
        (
            Api({"Authorization": "Bearer a b"}),
            "The Authorization header must be Bearer, a space and one token.",
        ),
        (Api({"X-API-Key": "a,b"}), "Send one credential: X-API-Key is repeated."),
    ):
        answer = check(api, "/any")
        assert assert_problem(answer, 401, "invalid_request")["detail"] == detail
        assert answer.headers["WWW-Authenticate"] == f'{CHALLENGE}, error="invalid_request"'


def test_a_route_takes_only_its_kinds_of_credential(cast: Cast) -> None:
    key, person = with_key(make_key(cast.bob, "services:read")), as_user(cast.bob)
    assert [check(api, "/keys").status_code for api in (key, person)] == [200, 403]
    assert [check(api, "/people").status_code for api in (key, person)] == [403, 200]
    refusal = assert_problem(check(key, "/people"), 403, "not_allowed")
    assert refusal["detail"] == "This path accepts only these credentials: jwt."


def test_a_route_needs_all_its_scopes(cast: Cast) -> None:
    reader = with_key(make_key(cast.bob, "services:read"))
    assert check(reader, "/stock").status_code == 200
    refused = check(reader, "/stock", "POST")
    assert_problem(refused, 403, "insufficient_scope")
    expected = 'Bearer realm="Keyhouse", error="insufficient_scope", scope="services:read services:write"'
    assert refused.headers["WWW-Authenticate"] == expected


def test_a_route_needs_one_of_its_roles(cast: Cast) -> None:
    people = {
        name: check(as_user(getattr(cast, name)), "/admins").status_code
        for name in ("ada", "audrey", "alice")
    }
    assert people == {"ada": 200, "audrey": 200, "alice": 403}
    owners = {
        name: check(as_user(getattr(cast, name)), "/owners").status_code
        for name in ("alice", "bob", "charlie")
    }
    assert owners == {"alice": 200, "bob": 403, "charlie": 200}


def test_a_key_has_the_role_of_its_owner_and_an_organization_s_key_has_no_role(cast: Cast) -> None:
    assert check(with_key(make_key(cast.alice, "services:read")), "/owners").status_code == 200
    assert_problem(check(with_key(make_key(cast.alice)), "/owners"), 403, "insufficient_scope")
    assert_problem(check(with_key(make_key(cast.acme, "services:read")), "/owners"), 403, "not_allowed")


def test_a_role_in_an_organization_that_one_does_not_act_in_does_not_count(cast: Cast) -> None:
    add_member(caller=caller_at_command_line(), organization=cast.umbrella, user=cast.alice, role="owner")
    assert_problem(check(as_user(cast.alice), "/owners"), 403, "not_allowed")


def test_what_is_in_no_row_is_403_for_everybody(cast: Cast) -> None:
    for api in (Api(), with_key(make_key(cast.ada)), as_user(cast.ada)):
        for method, uri in (
            ("GET", "/"),
            ("GET", "/nothing"),
            ("DELETE", "/stock"),
            ("GET", "/gateway/check"),
        ):
            assert_problem(check(api, uri, method), 403, "not_allowed")


def test_denied_access_is_recorded_with_the_request_and_without_its_query(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read", name="CI")
    check(with_key(key), "/stock?page=1?secret=1", "POST")
    event = Event.objects.get(name="access:denied")
    assert (event.actor_kind, event.actor_id) == ("api_key", str(key.row.uuid))
    assert (event.target_kind, event.target_label) == ("endpoint", "POST /stock")
    assert event.detail["code"] == "insufficient_scope"
    check(as_user(cast.bob), "/admins")
    latest = Event.objects.filter(name="access:denied").latest("sequence")
    assert (latest.actor_label, latest.target_label) == ("bob", "GET /admins")


def test_the_access_log_has_the_row_and_the_credential_of_a_check(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read")
    logged = check(with_key(key), "/stock?page=2").wsgi_request.META
    assert (logged[ROUTE], str(logged[CREDENTIAL])) == ("GET /stock", f"key:{key.row.uuid}")
    logged = check(Api(), "/open/page").wsgi_request.META
    assert (logged[ROUTE], logged[CREDENTIAL]) == ("GET /open/{page}", "")


@pytest.mark.parametrize("length", [SHORT, SHORT + 1, 2 * SHORT])
def test_a_uri_of_any_length_needs_a_row_with_its_method(cast: Cast, length: int) -> None:
    uri = "/open/".ljust(length, "a")
    assert check(Api(), uri).status_code == 200
    assert_problem(check(Api(), uri, "POST"), 403, "not_allowed")


def test_a_decision_about_a_key_costs_one_query_and_a_refused_path_no_query(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    program = with_key(make_key(cast.bob, "services:read"))
    for uri, queries in (("/stock", 1), ("/open/x", 0), ("/nothing", 0), ("/stock/../stock", 0)):
        with django_assert_num_queries(queries):
            check(program, uri)


def test_a_decision_about_a_login_costs_one_query(cast: Cast, django_assert_num_queries: Any) -> None:
    person = as_user(cast.bob)
    with django_assert_num_queries(1):
        assert check(person, "/stock").status_code == 200


@pytest.mark.parametrize(
    ("method", "statuses"),
    [
        ("GET", {200}),
        ("HEAD", {200}),
        ("POST", {405}),
        ("PUT", {405}),
        ("OPTIONS", {405}),
        ("TRACE", {405}),
    ],
)
def test_a_proxy_asks_by_get_or_head(cast: Cast, method: str, statuses: set[int]) -> None:
    headers = {"X-Original-Method": "GET", "X-Original-URI": "/stock"}
    client = Client(
        enforce_csrf_checks=True, headers=headers | {"X-API-Key": make_key(cast.bob, "services:read").text}
    )
    assert client.generic(method, "/gateway/check").status_code in statuses
