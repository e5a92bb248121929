"""A form for every address of the console about providers, for tests that send it twice."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils import timezone

from federation.models import Provider
from federation.services.domains import claim_domain
from tests.accounts.helpers import caller_as
from tests.console.helpers import console_of


def of_acme(address: str, **form: str) -> Callable[[Any], Callable[[], Any]]:
    """Send a form as ada to a page of Acme, which has a provider."""

    def prepare(world: Any) -> Callable[[], Any]:
        acme, ada = world.cast.acme, world.cast.ada
        about = {"issuer": "https://id.acme.example", "client_id": "keyhouse", "algorithm": "RS256"}
        Provider.objects.create(organization=acme, created_at=timezone.now(), **about)
        domain = claim_domain(caller=caller_as(ada), organization=acme, domain="acme.example")
        sent = {name: text.format(domain=domain.uuid) for name, text in form.items()}
        browser, path = console_of(ada), reverse(address, args=[acme.uuid])
        return lambda: browser.post(path, sent)

    return prepare


FEDERATION: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "POST console-provider": of_acme("console-provider", grant="{domain}"),
    "POST console-provider-require": of_acme("console-provider-require", required="on"),
    "POST console-provider-remove": of_acme("console-provider-remove"),
    "POST console-domain-new": of_acme("console-domain-new", domain="other.example"),
    "POST console-rule-new": of_acme("console-rule-new", role="developer"),
}
