"""A new password ends what clients may do in a person's name, whichever way the password is set."""

from collections.abc import Callable

import pytest

from access.principals import Caller
from accounts.users.services import set_password
from oauth.models import Consent, OAuthCode
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import NEW, new_token, reset
from tests.conftest import PASSWORD, Cast, as_user
from tests.oauth.flow import Flow, gateway, make_client
from tests.oauth.tokens.test_codes import refused


@pytest.fixture(params=["a mailed link", "the owner", "an administrator"])
def change_password(
    request: pytest.FixtureRequest, cast: Cast, operator: Caller, mailbox: Mailbox
) -> Callable[[], None]:
    """Give alice a new password, one way or another."""

    def by_mailed_link() -> None:
        assert reset(new_token(mailbox)).status_code == 200

    def by_owner() -> None:
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert as_user(cast.alice).post("auth/change-password", body).status_code == 204

    def by_administrator() -> None:
        set_password(caller=operator, user=cast.alice, password=NEW)

    ways = {"a mailed link": by_mailed_link, "the owner": by_owner, "an administrator": by_administrator}
    return ways[request.param]


@pytest.mark.requirement(98)
def test_a_new_password_ends_consents_and_their_tokens(
    cast: Cast, change_password: Callable[[], None]
) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    assert gateway(tokens["access_token"]) == 200
    change_password()
    assert gateway(tokens["access_token"]) == 401
    refused(flow.refresh(tokens["refresh_token"]))
    assert not Consent.objects.exists()


@pytest.mark.requirement(98)
def test_a_code_from_before_the_new_password_is_not_redeemed(
    cast: Cast, change_password: Callable[[], None]
) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    change_password()
    refused(flow.exchange(code))
    assert not OAuthCode.objects.exists()


@pytest.mark.requirement(98)
def test_the_browser_that_allows_clients_is_logged_out(
    cast: Cast, change_password: Callable[[], None]
) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.code()
    change_password()
    assert flow.browser.get(flow.address()).status_code == 302


def test_consents_of_others_stay(cast: Cast, change_password: Callable[[], None]) -> None:
    tokens = Flow(make_client(), cast.bob).tokens()
    change_password()
    assert gateway(tokens["access_token"]) == 200
