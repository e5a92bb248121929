"""What a manager changes at one server counts with the next request to another that runs."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.federation.real import CLIENT
from tests.federation.served.site import ENTRY, Person, Site, at, serving
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]

PASSWORD = "a long walk to the lighthouse"
BOUND = "Your organization requires its identity provider. Log in with your organization."


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    with serving(installation) as site:
        yield site


@pytest.mark.requirement(168)
def test_another_secret_counts_in_the_next_login_and_the_next_question(site: Site) -> None:
    alice = Person(site)
    assert alice.logs_in().status_code == 200 and alice.is_logged_in()
    site.set_secret("not the secret of this client")
    page = Person(site).logs_in()
    assert page.status_code == 403 and "refused this login, or Keyhouse as its client" in page.text
    site.let_time_pass()
    assert alice.is_logged_in()  # a refusal of Keyhouse says nothing of the person
    assert answered(site) == 0
    site.set_secret(CLIENT["client_secret"])
    site.let_time_pass()
    assert alice.is_logged_in() and answered(site) == 1
    assert Person(site).logs_in().url == f"{site.origin}/account/keys"


def answered(site: Site) -> int:
    """Of how many logins the provider has just said that it knows the person."""
    minute = at(timedelta(minutes=1))
    [(count,)] = site.installation.query(
        f"SELECT COUNT(*) FROM federation_grant WHERE answered_at > '{minute}'"
    )
    return int(count)


@pytest.mark.requirement(177, 179)
def test_a_provider_that_is_required_or_removed_counts_at_once(site: Site) -> None:
    done = site.installation.manage(
        *("createuser", "--username", "bob", "--email", "bob@example.org", "--role", "member"),
        *("--organization", "Acme=developer", "--password-stdin"),
        stdin=PASSWORD,
    )
    assert done.returncode == 0, done.stderr
    alice = Person(site)
    alice.logs_in()
    token = logs_in(site, 200)
    site.change("/provider/require", required="on")
    assert me(site, token) == 401
    logs_in(site, 403)
    assert alice.is_logged_in()
    site.change("/provider/require")
    token = logs_in(site, 200)
    site.change("/provider/remove")
    assert me(site, token) == 200
    assert not alice.is_logged_in()
    page = Person(site).browser.get(site.origin + "/account/login")
    assert ENTRY not in page.text


def logs_in(site: Site, status: int) -> str:
    """The access token of bob, who logs in with his password, if he may."""
    body = {"username": "bob", "password": PASSWORD}
    answer = site.server.request("POST", "/api/v1/auth/login", body=body)
    assert answer.status == status, answer.body
    assert status == 200 or answer.json()["detail"] == BOUND
    return str(answer.json().get("access_token", ""))


def me(site: Site, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return site.server.request("GET", "/api/v1/auth/me", headers=headers).status
