"""What an access token is good for, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.second_factor.services import remove_own_second_factor
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.events import EventName
from audit.models import Event
from oauth.changes import ClientChanges
from oauth.models import Consent, OAuthAccessToken, OAuthRefreshToken
from oauth.services.clients import update_client
from tests.accounts.authenticator import caller_at, enrolled
from tests.accounts.helpers import at_once, caller_as, serving, statements
from tests.conftest import PASSWORD, Api, Cast, assert_problem, log_in, make_key, with_key
from tests.oauth.flow import Flow, gateway, machine_token, make_client, post, verified, with_token
from tests.oauth.tokens.test_codes import refused

KEYS = ("services:read", "services:write", "keys:write")


def test_a_token_works_at_our_endpoints_and_at_the_gateway_as_far_as_its_scopes(cast: Cast) -> None:
    tokens = Flow(make_client(*KEYS), cast.alice).tokens()
    api = with_token(tokens)
    assert gateway(tokens["access_token"]) == 200
    assert gateway(tokens["access_token"], "POST") == 403
    assert_problem(api.get("api-keys"), 403, "insufficient_scope")
    assert_problem(api.get("auth/me"), 403, "insufficient_scope")
    more = with_token(Flow(make_client(*KEYS), cast.alice, scope="keys:write").tokens())
    assert more.get("api-keys").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "auth/sessions"),
        ("get", "auth/oauth2/consents"),
        ("post", "auth/change-password"),
        ("post", "auth/change-email"),
        ("post", "auth/totp"),
        ("post", "auth/logout"),
        ("post", "auth/logout-everywhere"),
        ("patch", "auth/me"),
    ],
)
def test_what_is_for_people_is_closed_to_clients_of_theirs(method: str, path: str, cast: Cast) -> None:
    tokens = Flow(make_client(*KEYS), cast.alice, scope=" ".join(KEYS)).tokens()
    assert_problem(getattr(with_token(tokens), method)(path), 403, "not_allowed")


@pytest.mark.requirement(74)
def test_a_demoted_persons_token_shrinks_at_once(cast: Cast) -> None:
    client = make_client("users:read", "services:read")
    tokens = Flow(client, cast.audrey, scope="users:read").tokens()
    api = with_token(tokens)
    assert api.get("users").status_code == 200
    update_user(caller=caller_as(cast.ada), user=cast.audrey, changes=UserChanges(role="member"))
    assert_problem(api.get("users"), 403, "insufficient_scope")
    assert "scope" not in post("introspect", client, token=tokens["access_token"]).json()


@pytest.mark.requirement(74)
def test_so_does_that_of_a_client_that_loses_a_scope(cast: Cast) -> None:
    client = make_client(*KEYS)
    tokens = Flow(client, cast.alice, scope="services:read services:write").tokens()
    assert gateway(tokens["access_token"], "POST") == 200
    update_client(
        caller=caller_as(cast.ada), client=client.row, changes=ClientChanges(scopes=["services:read"])
    )
    assert gateway(tokens["access_token"], "POST") == 403
    assert gateway(tokens["access_token"]) == 200


@pytest.mark.requirement(74)
def test_what_a_client_may_know_of_a_person_ends_with_its_scopes(cast: Cast) -> None:
    flow = Flow(make_client("openid", "profile", "email"), cast.alice, scope="openid profile email")
    tokens, code = flow.tokens(), flow.code()
    update_client(
        caller=caller_as(cast.ada), client=flow.client.row, changes=ClientChanges(scopes=["openid"])
    )
    sub = {"sub": str(cast.alice.uuid)}
    assert with_token(tokens).get("auth/oauth2/userinfo").json() == sub
    refused(flow.refresh(tokens["refresh_token"], scope="openid email"), "invalid_scope")
    for newer in (flow.refresh(tokens["refresh_token"]).json(), flow.exchange(code).json()):
        assert newer["scope"] == "openid"
        assert with_token(newer).get("auth/oauth2/userinfo").json() == sub
    claims = verified(newer["id_token"], audience=flow.client.row.client_id)
    assert not claims.keys() & {"name", "preferred_username", "email"}
    update_client(
        caller=caller_as(cast.ada), client=flow.client.row, changes=ClientChanges(scopes=["services:read"])
    )
    assert_problem(with_token(newer).get("auth/oauth2/userinfo"), 403, "insufficient_scope")
    assert "scope" not in flow.refresh(newer["refresh_token"]).json()


@pytest.mark.requirement(74)
def test_a_refresh_cannot_widen_and_may_narrow(cast: Cast) -> None:
    flow = Flow(make_client(*KEYS), cast.alice, scope="services:read keys:write")
    tokens = flow.tokens()
    refused(flow.refresh(tokens["refresh_token"], scope="services:read services:write"), "invalid_scope")
    less = flow.refresh(tokens["refresh_token"], scope="services:read").json()
    assert less["scope"] == "services:read"
    whole = flow.refresh(less["refresh_token"]).json()
    assert whole["scope"] == "services:read keys:write"


@pytest.mark.requirement(35)
def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json()
    refused(flow.refresh(first["refresh_token"]))
    refused(flow.refresh(second["refresh_token"]))
    assert gateway(first["access_token"]) == gateway(second["access_token"]) == 401
    assert Event.objects.filter(name=EventName.REFRESH_TOKEN_REUSED).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(35)
def test_of_many_refreshes_at_once_one_wins_and_the_family_ends(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    answers = at_once(lambda number: flow.refresh(tokens["refresh_token"]), times=5)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert not OAuthAccessToken.objects.exists() and not OAuthRefreshToken.objects.exists()


def test_a_refresh_token_is_good_for_its_client_alone_and_no_longer_than_a_session(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    refused(post("token", make_client(), grant_type="refresh_token", refresh_token=tokens["refresh_token"]))
    Consent.objects.update(last_used_at=timezone.now() - timedelta(days=15))
    refused(flow.refresh(tokens["refresh_token"]))


def test_no_access_token_outlives_its_consent(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    Consent.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert flow.exchange(code).json()["expires_in"] <= 30


def test_an_expired_token_is_refused(cast: Cast) -> None:
    tokens = Flow(make_client(), cast.alice).tokens()
    OAuthAccessToken.objects.update(expires=timezone.now())
    assert gateway(tokens["access_token"]) == 401


def test_tokens_die_with_deactivation_for_good(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    for is_active in (False, True):
        update_user(caller=caller_as(cast.ada), user=cast.alice, changes=UserChanges(is_active=is_active))
        cast.alice.refresh_from_db()
        assert gateway(tokens["access_token"]) == 401
        refused(flow.refresh(tokens["refresh_token"]))


def test_other_texts_and_tokens_of_other_kinds_are_refused(cast: Cast) -> None:
    tokens = Flow(make_client("openid"), cast.alice, scope="openid").tokens()
    for text in (
        tokens["refresh_token"],
        tokens["id_token"],
        "oat_",
        f"{tokens['access_token']}x",
        "oat_" + "x" * 43,
    ):
        assert gateway(text) == 401


def test_a_token_that_was_used_lately_costs_no_query_and_another_one(cast: Cast, lease: Any) -> None:
    lease(60.0)
    token = Flow(make_client(), cast.alice).tokens()["access_token"]
    gateway(token)
    with CaptureQueriesContext(connection) as captured:
        assert gateway(token) == 200
    assert statements(captured) == []
    other = Flow(make_client(), cast.bob).tokens()["access_token"]
    with CaptureQueriesContext(connection) as captured:
        assert gateway(other) == 200
    assert len(statements(captured)) == 1


def test_a_machine_acts_for_its_organization(cast: Cast) -> None:
    client = make_client("services:write", "keys:read", owner=cast.acme)
    tokens = machine_token(client)
    assert "refresh_token" not in tokens
    assert gateway(tokens["access_token"], "POST") == 200
    listed = with_token(tokens).get("api-keys")
    assert listed.status_code == 200
    assert machine_token(client, scope="keys:read")["scope"] == "keys:read"
    refused(post("token", client, grant_type="client_credentials", scope="audit:read"), "invalid_scope")


def test_a_machine_of_a_person_can_do_what_they_may_now(cast: Cast) -> None:
    client = make_client("users:read", owner=cast.audrey)
    api = with_token(machine_token(client))
    assert api.get("users").status_code == 200
    update_user(caller=caller_as(cast.ada), user=cast.audrey, changes=UserChanges(role="member"))
    assert_problem(api.get("users"), 403, "insufficient_scope")
    User.objects.filter(pk=cast.audrey.pk).update(is_active=False)
    assert api.get("users").status_code == 401


def test_a_machine_of_a_person_can_do_what_their_key_can_where_logins_need_a_second_factor(
    cast: Cast,
) -> None:
    with serving("login", second_factor_for=("read_keys", "read_own_keys")):
        key = with_key(make_key(cast.bob, "keys:read"))
        machine = with_token(machine_token(make_client("keys:read", owner=cast.bob)))
        assert [api.get("api-keys").status_code for api in (key, machine)] == [200, 200]


def test_a_key_made_by_a_client_lives_no_longer_than_its_token(cast: Cast) -> None:
    api = with_token(Flow(make_client(*KEYS), cast.alice, scope="keys:write").tokens())
    assert_problem(api.post("api-keys", {"name": "escape"}), 400, member="expires_at")


def test_what_wants_a_second_factor_is_withheld_from_clients_of_a_login_without_one(cast: Cast) -> None:
    scopes = {"client": make_client(*KEYS), "scope": "keys:write"}
    with serving("login", second_factor_for=("read_keys", "read_own_keys", "manage_own_keys", "manage_keys")):
        weak = with_token(Flow(user=cast.bob, **scopes).tokens())  # type: ignore[arg-type]
        assert weak.get("api-keys").status_code == 403
        app = enrolled(cast.alice)
        flow = Flow(user=cast.alice, **scopes)  # type: ignore[arg-type]
        address = flow.address()
        assert flow.log_in(address).status_code == 401  # no code
        assert flow.log_in(address, totp_code=app.code()).status_code == 302
        strong = with_token(flow.tokens())
        assert strong.get("api-keys").status_code == 200
        remove_own_second_factor(
            caller=caller_at(cast.alice, timezone.now()), password=PASSWORD, code=app.recovery_codes[0]
        )
        assert strong.get("api-keys").status_code == 403


@pytest.mark.requirement(65)
def test_two_credentials_at_once_and_one_in_the_address_are_refused(cast: Cast) -> None:
    token = Flow(make_client(), cast.alice).tokens()["access_token"]
    both = Api({"Authorization": f"Bearer {token}", "X-API-Key": "kh_live_x"})
    assert both.get("auth/me").status_code == 400
    assert Api().get(f"auth/me?access_token={token}").status_code == 400
    assert Api().get(f"auth/me?x={token}").status_code == 400


def test_what_a_client_does_is_recorded_as_the_clients(cast: Cast) -> None:
    scope = "organizations:write"
    tokens = Flow(make_client(scope), cast.ada, scope=scope).tokens()
    assert with_token(tokens).post("organizations", {"name": "Initech"}).status_code == 201
    event = Event.objects.filter(name=EventName.ORGANIZATION_CREATED).latest("sequence")
    assert (event.actor_kind, event.actor_label) == ("oauth2", "Dashboard (ada)")
    assert event.actor_id == str(Consent.objects.get().uuid)


def test_a_login_is_no_oauth2_credential_and_the_other_way_round(cast: Cast) -> None:
    client = make_client()
    login = log_in(cast.alice)["access_token"]
    assert_problem(
        Api({"Authorization": f"Bearer {login}"}).get("auth/oauth2/userinfo"), 403, "insufficient_scope"
    )
    assert post("introspect", client, token=login).json() == {"active": False}
