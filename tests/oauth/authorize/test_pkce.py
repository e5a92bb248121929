"""PKCE is a matter of each client: required, but where an administrator lets one with a secret do without."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from access.principals import Caller
from audit.events import EventName
from audit.models import Event
from config import profiles
from config.profiles import Profile
from config.profiles.login import OAuth2
from config.wire.errors import Invalid, NotAllowed
from oauth.changes import ClientChanges
from oauth.models import OAuthClient
from oauth.services.clients import create_client, update_client
from tests.accounts.helpers import caller_as
from tests.admin.helpers import text_of, ticket_of
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast
from tests.logins import browser
from tests.oauth.clients.test_client_managers import keeper  # noqa: F401 (a fixture)
from tests.oauth.flow import CALLBACK, Flow, make_client, parameters
from tests.oauth.tokens.test_codes import refused

NONE: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
EMPTY = {"code_challenge": "", "code_challenge_method": ""}
ADD = "/admin/accounts/oauthclient/add/"


def error_of(flow: Flow, **changed: str | None) -> str:
    """What the client is told about its authorization request."""
    return parameters(flow.browser.get(flow.address(**changed))["Location"])["error"]


@pytest.mark.parametrize("none", [NONE, EMPTY])
@pytest.mark.parametrize("scope", ["openid", "services:read"])
@pytest.mark.requirement(70)
def test_one_client_may_do_without(none: dict[str, Any], scope: str, cast: Cast) -> None:
    old = Flow(make_client("openid", "services:read", without_pkce=True), cast.alice, scope=scope)
    assert old.exchange(old.code(**none), code_verifier=None).status_code == 200
    other = Flow(make_client("openid", "services:read"), cast.alice, scope=scope, browser=old.browser)
    assert error_of(other, **none) == "invalid_request"
    public = Flow(make_client("openid", "services:read", is_public=True), cast.alice, scope=scope)
    assert error_of(public, **none) == "invalid_request"


@pytest.mark.requirement(70)
def test_a_client_that_uses_it_anyway_is_held_to_it(cast: Cast) -> None:
    flow = Flow(make_client(without_pkce=True), cast.alice)
    assert flow.exchange(flow.code()).status_code == 200
    for verifier in (None, "", "x" * 64):
        refused(
            flow.exchange(flow.code(), code_verifier=verifier),
            "invalid_" + ("request" if not verifier else "grant"),
        )
    refused(flow.exchange(flow.code(**NONE)), "invalid_grant")  # a verifier: somebody took the challenge away
    for half in ({"code_challenge": None}, {"code_challenge_method": None}, {"code_challenge": "short"}):
        assert error_of(flow, **half) == "invalid_request"


@pytest.mark.requirement(70)
def test_a_code_from_before_it_was_required_is_worth_nothing(cast: Cast) -> None:
    flow = Flow(make_client(without_pkce=True), cast.alice)
    code = flow.code(**NONE)
    update_client(
        caller=caller_as(cast.ada), client=flow.client.row, changes=ClientChanges(without_pkce=False)
    )
    assert flow.exchange(code, code_verifier=None).status_code == 400


@pytest.mark.requirement(70)
def test_a_profile_may_leave_it_to_all_clients_with_a_secret(
    served_profile: Callable[[Profile], None], cast: Cast
) -> None:
    served_profile(Profile("test", replace(profiles.active().file, oauth2=OAuth2(pkce="public"))))
    secret = Flow(make_client(), cast.alice)
    assert secret.exchange(secret.code(**NONE), code_verifier=None).status_code == 200
    assert secret.exchange(secret.code(), code_verifier=None).status_code == 400
    public = Flow(make_client(is_public=True), cast.alice)
    assert error_of(public, **NONE) == "invalid_request"


@pytest.mark.requirement(70)
def test_a_public_client_or_a_machine_never_does_without(cast: Cast, operator: Caller) -> None:
    good: dict[str, Any] = {
        "caller": operator,
        "name": "x",
        "scopes": ["services:read"],
        "without_pkce": True,
    }
    for kind in ({"is_public": True, "redirect_uris": [CALLBACK]}, {"owner": cast.acme}):
        with pytest.raises(Invalid) as error:
            create_client(**good | kind)
        assert "without_pkce" in error.value.errors
    for row in (make_client(is_public=True).row, make_client(owner=cast.acme).row):
        with pytest.raises(Invalid):
            update_client(caller=operator, client=row, changes=ClientChanges(without_pkce=True))
    assert not OAuthClient.objects.filter(without_pkce=True).exists()


@pytest.mark.requirement(74)
def test_only_those_who_hold_what_a_client_gets_let_it_do_without(
    cast: Cast,
    keeper: Any,  # noqa: F811
) -> None:
    row = make_client("users:read").row
    with pytest.raises(NotAllowed):
        update_client(caller=caller_as(keeper), client=row, changes=ClientChanges(without_pkce=True))
    update_client(caller=caller_as(cast.ada), client=row, changes=ClientChanges(without_pkce=True))
    assert Event.objects.get(name=EventName.OAUTH_CLIENT_CHANGED).detail == {"members": ["without_pkce"]}


def test_the_command_warns(cast: Cast, capsys: Any) -> None:
    board = ("createoauthclient", "--name", "Board", "--scope", "openid", "--redirect-uri", CALLBACK)
    run(*board)
    output_of(*board)
    assert capsys.readouterr().err == ""
    for make in (run, output_of):
        make(*board, "--no-pkce")
        assert "Warning: without PKCE" in capsys.readouterr().err
    assert OAuthClient.objects.filter(without_pkce=True).count() == 2
    assert "without_pkce: is only for clients with a secret" in refusal_of(*board, "--public", "--no-pkce")
    machine = ("createoauthclient", "--name", "M", "--scope", "services:read", "--organization", "acme")
    assert "without_pkce: is only for clients that ask people" in refusal_of(*machine, "--no-pkce")
    details = Event.objects.filter(name=EventName.OAUTH_CLIENT_CREATED).values_list("detail", flat=True)
    assert sum(detail.get("without_pkce", False) for detail in details) == 2


def test_the_admin_asks_for_it_and_shows_it(cast: Cast) -> None:
    pages = browser(cast.ada)
    sent = {"name": "Board", "redirect_uris": CALLBACK, "scopes": ["openid"], "without_pkce": "on"}
    sent |= ticket_of(pages, ADD)
    assert "for clients with a secret" in text_of(pages.post(ADD, sent | {"is_public": "on"}))
    assert pages.post(ADD, sent).status_code == 200
    row = OAuthClient.objects.get()
    assert row.without_pkce
    assert "not required" in text_of(pages.get("/admin/accounts/oauthclient/"))
    page = f"/admin/accounts/oauthclient/{row.pk}/change/"
    del sent["without_pkce"]
    assert pages.post(page, sent).status_code == 302
    row.refresh_from_db()
    assert not row.without_pkce
    assert "not required" not in text_of(pages.get("/admin/accounts/oauthclient/"))
