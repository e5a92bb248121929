"""A member logs in through the provider of their organization, which is another site, in a real browser."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import OAUTH2, Visit, visiting
from tests.federation.real import ALICE
from tests.federation.served.site import ENTRY, Site, at, serving
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]

PASSWORD = "a long walk to the lighthouse"


@pytest.fixture(scope="module")
def site(module_installation: Installation) -> Iterator[Site]:
    with serving(module_installation) as site:
        yield site


@pytest.fixture
def visit(chromium: Any, site: Site) -> Iterator[Visit]:
    with visiting(chromium, site.server, friends=(site.provider.issuer,)) as visit:
        yield visit


def add_member(site: Site, name: str, *organizations: str) -> None:
    """Somebody with a password, and an address of Acme."""
    roles = [word for each in organizations for word in ("--organization", f"{each}=developer")]
    done = site.installation.manage(
        *("createuser", "--username", name, "--email", f"{name}@acme.example", "--role", "member"),
        *(*roles, "--password-stdin"),
        stdin=PASSWORD,
    )
    assert done.returncode == 0, done.stderr


def name_organization(visit: Visit) -> None:
    """Type the address on the page of the organization's login, which leads to the provider."""
    visit.page.get_by_label("E-mail address at your organization").fill("somebody@acme.example")
    visit.press("Go on")


def log_in_there(visit: Visit, who: str) -> None:
    assert visit.page.url.startswith(visit.friends)
    visit.page.get_by_label("Who?").fill(who)
    visit.press("Go on")


def type_password(visit: Visit, name: str) -> None:
    visit.page.get_by_label("User name").fill(name)
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.press("Log in")


@pytest.mark.requirement(160, 165, 171)
def test_a_first_login_makes_an_account_and_the_next_ones_find_it(site: Site, visit: Visit) -> None:
    site.provider.knows(alice=ALICE)
    visit.go("/account/login?next=/account/sessions")
    visit.page.get_by_role("link", name="Log in with your organization").click()
    name_organization(visit)
    log_in_there(visit, "alice")
    assert visit.page.url == f"{site.origin}/account/sessions"
    assert "alice@acme.example" in visit.text()
    visit.go("/account/organizations")
    assert "Acme" in visit.text() and "developer" in visit.text().lower()

    # The provider, which still knows her, sends her back at once.
    visit.press("Log out")
    visit.go(ENTRY)
    name_organization(visit)
    assert visit.page.url == f"{site.origin}/account/keys"
    assert "alice@acme.example" in visit.text()

    # To prove who she is, she logs in there anew.
    old = at(timedelta(days=1))
    site.installation.query(
        f"UPDATE accounts_session SET proven_again_at = '{old}' WHERE organization_id IS NOT NULL"
    )
    visit.go("/account/keys/new")
    name_organization(visit)
    log_in_there(visit, "alice")
    assert visit.page.url == f"{site.origin}/account/keys/new"
    rows = site.installation.query("SELECT user_id FROM federation_identity WHERE subject = 'alice'")
    assert len(rows) == 1


@pytest.mark.requirement(161)
def test_an_account_is_linked_after_its_own_password(site: Site, visit: Visit) -> None:
    add_member(site, "anna")
    site.provider.knows(anna={**ALICE, "email": "anna@acme.example"})
    visit.go(f"{ENTRY}?next=/account/sessions")
    name_organization(visit)
    log_in_there(visit, "anna")
    assert visit.page.url == f"{site.origin}{ENTRY}/link"
    assert "this shows that it is yours" in visit.text()
    type_password(visit, "anna")
    assert visit.page.url == f"{site.origin}/account/sessions"

    visit.press("Log out")
    visit.go(ENTRY)
    name_organization(visit)
    assert visit.page.url == f"{site.origin}/account/keys" and "anna" in visit.text()


@pytest.mark.requirement(179)
def test_a_login_that_counts_elsewhere_alone_says_so_and_leads_back_to_the_client(
    site: Site, visit: Visit
) -> None:
    site.administrator.send("/account/organizations/new", name="Umbrella")
    add_member(site, "bob", "Acme", "Umbrella")
    callback = f"{site.provider.issuer}/callback"
    made = site.installation.manage_json(
        *("createoauthclient", "--name", "Board", "--redirect-uri", callback, "--scope", "services:write")
    )
    site.change("/provider/require", required="on")
    asked = {
        "client_id": made["client_id"],
        "redirect_uri": callback,
        "response_type": "code",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    visit.go(f"{OAUTH2}/authorize?{urlencode(asked)}")
    type_password(visit, "bob")
    assert "This login counts only in some of your organizations" in visit.text()
    visit.press("Do not allow")
    assert visit.page.url.startswith(f"{callback}?error=access_denied")
    site.change("/provider/require")
