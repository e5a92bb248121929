"""Adding a second factor ends what was opened without one: logins here and elsewhere, and consents."""

from typing import Any

import pytest
from django.test import Client

from access.principals import Caller
from accounts.models import Session
from accounts.second_factor.services import remove_second_factors
from accounts.sessions.services import log_out_everywhere
from oauth.models import Consent
from tests.accounts.authenticator import App, attempt, enrolled
from tests.accounts.helpers import caller_as, rows_are_locked, waiting
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in
from tests.console.helpers import added
from tests.logins import browser
from tests.oauth.flow import Flow, make_client, with_token


def add_factor(api: Api) -> App:
    app = App(api.post("auth/totp", {"password": PASSWORD}).json()["secret"], [])
    confirmed = api.post("auth/totp/confirm", {"code": app.code()})
    assert confirmed.status_code == 200, confirmed.content
    return App(app.secret, confirmed.json()["recovery_codes"])


def remove_factor(api: Api, app: App) -> Any:
    body = {"password": PASSWORD, "code": app.recovery_codes[0]}
    return api.delete("auth/totp", data=body, content_type="application/json")


def test_other_logins_end_and_the_one_that_added_it_goes_on(cast: Cast) -> None:
    older, here = log_in(cast.alice), as_user(cast.alice)
    add_factor(here)
    assert with_token(older).get("auth/me").status_code == 401
    assert Api().post("auth/refresh", {"refresh_token": older["refresh_token"]}).status_code == 401
    assert here.get("auth/me").status_code == 200
    assert Session.objects.get(ended_at=None).second_factor


def test_a_login_to_the_admin_ends_with_the_others_when_it_is_added_over_the_api(cast: Cast) -> None:
    client, api = browser(cast.ada), as_user(cast.ada)
    app = add_factor(api)
    assert remove_factor(api, app).status_code == 204
    assert client.get("/admin/").status_code == 302


def test_other_browsers_stay_out_of_the_admin_though_it_is_removed_again(
    cast: Cast, operator: Caller
) -> None:
    older, here, program = browser(cast.ada), browser(cast.ada), as_user(cast.ada)
    added(here)
    remove_second_factors(caller=operator, selected=[cast.ada])
    assert here.get("/admin/").status_code == 200
    assert older.get("/admin/").status_code == 302
    assert program.get("auth/me").status_code == 401


def test_what_was_allowed_to_clients_ends(cast: Cast) -> None:
    flow = Flow(make_client("openid", "services:read"), cast.alice)
    tokens = flow.tokens()
    enrolled(cast.alice)
    assert with_token(tokens).get("auth/me").status_code == 401
    assert flow.refresh(tokens["refresh_token"]).json() == {"error": "invalid_grant"}
    assert not Consent.objects.exists()


def test_a_login_on_the_page_of_a_client_ends(cast: Cast) -> None:
    flow = Flow(make_client("openid", "services:read"), cast.alice, browser=Client())
    address = flow.address()
    assert flow.log_in(address).status_code == 302
    enrolled(cast.alice)
    assert "login" in flow.browser.get(address).headers["Location"]


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_a_login_whose_password_was_checked_before_the_others_were_ended_is_refused(cast: Cast) -> None:
    """As they are when a second factor is added; the login has shown none."""
    end = lambda: log_out_everywhere(caller=caller_as(cast.alice))  # noqa: E731
    with waiting(lambda: attempt(cast.alice), holding=end) as login:
        pass
    assert_problem(login.result(), 401, "invalid_credentials")
    assert not Session.objects.exists()
