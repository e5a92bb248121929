from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from federation.models import Provider
from federation.protocol.documents import forget
from federation.services.domains import claim_domain, grant_domain
from federation.services.mapping import add_rule
from federation.services.providers import ProviderSettings, set_provider
from tests.accounts.helpers import caller_as
from tests.conftest import Cast
from tests.federation.fake import FakeProvider, serving
from tests.federation.real import CLIENT, RealProvider, running

NETWORKS = ("127.0.0.0/8",)


@pytest.fixture(autouse=True)
def local_providers(strong_owners: None, settings: Settings) -> Iterator[None]:
    """Owners manage organizations, providers may be on this machine, and no document is remembered."""
    settings.PROVIDER_NETWORKS = NETWORKS
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def oidc() -> Iterator[RealProvider]:
    with running() as provider:
        yield provider


def set_up(cast: Cast, issuer: str, **changed: object) -> Provider:
    """The provider of Acme, which has proven acme.example; everybody in the group staff is a developer."""
    owner, ada = caller_as(cast.alice), caller_as(cast.ada)
    given: dict[str, object] = {"role_claim": "groups", "trusted_acr": ("phr",), "trusted_amr": ("mfa",)}
    wanted = ProviderSettings(
        issuer=issuer,
        client_id=CLIENT["client_id"],
        secret=CLIENT["client_secret"],
        algorithm="RS256",
        **{**given, **changed},  # type: ignore[arg-type]
    )
    provider = set_provider(caller=owner, organization=cast.acme, wanted=wanted)
    grant_domain(caller=ada, domain=claim_domain(caller=owner, organization=cast.acme, domain="acme.example"))
    add_rule(caller=owner, provider=provider, value="staff", role="developer")
    return provider


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with serving() as provider:
        yield provider
