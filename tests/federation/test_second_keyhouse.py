"""Another Keyhouse, as a process, is the provider of an organization here."""

from collections.abc import Iterator

import pytest

from accounts.models import Membership, Session
from federation.models import Identity
from federation.services.domains import claim_domain, domain_of, grant_domain
from federation.services.mapping import add_rule
from federation.services.providers import ProviderSettings, redirect_uri, set_provider
from tests.accounts.helpers import caller_as
from tests.conftest import Cast
from tests.federation.real import Browser
from tests.installation import ADMIN, Installation, Server, free_port
from tests.oauth.visitor import allow

pytestmark = [pytest.mark.once, pytest.mark.slow]

PERSON = {"identifier": "admin", "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
EMAIL = ADMIN["KEYHOUSE_ADMIN_EMAIL"]


@pytest.fixture(scope="module")
def other(module_installation: Installation) -> Iterator[Server]:
    """The other Keyhouse, whose public address is the one that it listens on."""
    bind = f"127.0.0.1:{free_port()}"
    module_installation.settings["KEYHOUSE_BIND"] = bind
    with module_installation.serve("--bind", bind, EMAIL_URL="dummymail://") as running:
        running.port = int(bind.rpartition(":")[2])
        yield running


@pytest.mark.requirement(160)
def test_another_keyhouse_vouches_for_its_people(
    cast: Cast, other: Server, module_installation: Installation
) -> None:
    scopes = ("openid", "profile", "email", "roles")
    client = module_installation.manage_json(
        *("createoauthclient", "--name", "Keyhouse", "--redirect-uri", redirect_uri()),
        *(word for scope in scopes for word in ("--scope", scope)),
    )
    issuer, owner = f"http://127.0.0.1:{other.port}", caller_as(cast.alice)
    wanted = ProviderSettings(issuer, client["client_id"], client["client_secret"], "RS256", "roles")
    provider = set_provider(caller=owner, organization=cast.acme, wanted=wanted)
    domain = claim_domain(caller=owner, organization=cast.acme, domain=domain_of(EMAIL))
    grant_domain(caller=caller_as(cast.ada), domain=domain)
    add_rule(caller=owner, provider=provider, value="admin", role="developer")
    unverified = Browser()
    answer = unverified.comes_back(allow(unverified.begins(EMAIL), **PERSON))
    assert answer.status_code == 403  # nobody there has confirmed the address
    module_installation.query("UPDATE accounts_user SET email_verified = TRUE")
    browser = Browser()
    address = browser.begins(EMAIL)
    assert browser.comes_back(allow(address, **PERSON)).headers["Location"] == "/account/"
    user = Identity.objects.get(issuer=issuer).user
    assert user.email == EMAIL
    assert Membership.objects.get(user=user, organization=cast.acme).role == "developer"
    assert not Session.objects.get(user=user).second_factor
