"""The pages: who may set up a provider, what they say, and what the entry tells a stranger."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Event
from config.env import Address
from federation.models import Domain, Identity, Provider
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import console_of
from tests.federation.conftest import set_up
from tests.federation.dns_server import serving as serving_dns
from tests.federation.fake import FakeProvider, logs_in
from tests.federation.fake import back as returns
from tests.federation.real import Browser

pytestmark = pytest.mark.once

NAMES = ("console-provider", "console-provider-edit", "console-domain-new", "console-rule-new")
ENTRY = "/account/login/organization"


@pytest.mark.requirement(46, 47)
@pytest.mark.parametrize("name", [*NAMES, "console-provider-remove", "console-provider-require"])
def test_only_managers_of_the_organization_get_in(name: str, cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    path = reverse(name, args=[cast.acme.uuid])
    expected = {"ada": 200, "alice": 200, "bob": 404, "audrey": 403, "charlie": 404, "mallory": 404}
    for who, status in expected.items():
        browser = console_of(getattr(cast, who))
        assert browser.get(path).status_code == status, who
        if status != 200:
            assert browser.post(path, {"role": "owner", "domain": "x.example"}).status_code in {302, status}
    answer = Client(headers={"Accept": "text/html"}).post(path)
    assert answer.headers["Location"].startswith("/account/login?")
    assert Domain.objects.count() == 1 and Provider.objects.get().rules.count() == 1


def test_a_manager_sets_everything_up_on_the_pages(
    cast: Cast, fake: FakeProvider, settings: Settings
) -> None:
    browser = console_of(cast.alice)

    def page(name: str) -> str:
        return reverse(name, args=[cast.acme.uuid])

    form = {"issuer": fake.issuer, "client_id": "keyhouse", "secret": "s", "algorithm": "RS256"}
    assert browser.post(page("console-provider-edit"), {**form, "algorithm": "HS256"}).status_code == 400
    for _ in range(2):
        sent = {**form, "role_claim": "groups", "trusted_acr": "", "trusted_amr": "mfa hwk"}
        assert browser.post(page("console-provider-edit"), sent).status_code == 302
    assert Event.objects.filter(name="provider:changed").count() == 1
    assert Provider.objects.get().trusted_amr == ["mfa", "hwk"]
    assert browser.post(page("console-domain-new"), {"domain": "acme.example"}).status_code == 302
    domain = Domain.objects.get()
    overview = browser.get(page("console-provider")).content.decode()
    assert f"keyhouse-domain={domain.token}" in overview and "Grant" not in overview
    texts: dict[str, list[str]] = {}
    with serving_dns(texts) as port:
        settings.DNS_RESOLVER = Address("127.0.0.1", port)
        prove = {"prove": str(domain.uuid)}
        for wrong in ({}, {"_keyhouse.acme.example": ["v=spf1 -all", "keyhouse-domain=other"]}):
            texts.update(wrong)
            browser.post(page("console-provider"), prove)
            assert Domain.objects.get().proven_at is None
        texts["_keyhouse.acme.example"].append(f"keyhouse-domain={domain.token}")
        browser.post(page("console-provider"), prove)
    assert Domain.objects.get().proven_at is not None
    assert browser.post(page("console-rule-new"), {"role": "developer"}).status_code == 302
    assert logs_in(fake).status_code == 302
    assert "developer" in browser.get(page("console-provider")).content.decode()
    browser.post(page("console-provider"), {"remove_domain": str(domain.uuid)})
    assert logs_in_fails()
    browser.post(page("console-provider-remove"))
    assert not Provider.objects.exists() and not Identity.objects.exists()


def logs_in_fails() -> bool:
    answer = Client().post(ENTRY, {"email": "alice@acme.example"})
    return bool(answer.status_code == 400)


@pytest.mark.requirement(170)
def test_the_entry_tells_of_no_account(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    User.objects.filter(pk=cast.bob.pk).update(email="bob@acme.example", email_key="bob@acme.example")

    def said(address: str) -> tuple[Any, ...]:
        answer = Client(headers={"Accept": "text/html"}).post(ENTRY, {"email": address})
        text = re.sub(r'value="[^"]*"', "", answer.content.decode())
        location = answer.headers.get("Location", "").partition("?")[0]
        return answer.status_code, text, location

    assert said("bob@acme.example") == said("nobody@acme.example")
    assert said("bob@example.org") == said("nobody@example.org")
    assert said("bob@acme.example")[0] == 302


def test_the_login_page_offers_it_only_if_somebody_can_use_it(cast: Cast, fake: FakeProvider) -> None:
    browser = Browser()
    assert ENTRY not in browser.here.get("/account/login").content.decode()
    set_up(cast, fake.issuer)
    page = browser.here.get("/account/login?next=/account/sessions").content.decode()
    assert f'href="{ENTRY}?next=%2Faccount%2Fsessions"' in page
    assert ENTRY in browser.here.get("/admin/login/").content.decode()


@pytest.mark.requirement(88)
def test_the_entry_needs_a_csrf_token_and_leads_to_no_other_site(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(ENTRY, {"email": "alice@acme.example"}).status_code == 403
    for back in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        browser = Browser()
        address = browser.begins(back=back)
        fake.says(fake.claims(address))
        assert browser.comes_back(returns(address)).headers["Location"] == "/account/"


@pytest.mark.requirement(92)
def test_a_stranger_makes_a_limited_number_of_logins_begin(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    answers = [Client().post(ENTRY, {"email": "a@acme.example"}) for _ in range(61)]
    assert [each.status_code for each in answers] == [302] * 60 + [429]
    assert answers[-1].headers["Retry-After"]
    assert fake.asked["/.well-known/openid-configuration"] == 1


def test_a_login_is_renewed_at_the_provider_by_members_without_a_password(
    cast: Cast, fake: FakeProvider
) -> None:
    set_up(cast, fake.issuer)
    logs_in(fake, member := Browser())
    page = "/account/prove?next=/account/"
    assert member.here.get(page).headers["Location"] == "/account/login/organization?next=%2Faccount%2F"
    user = Identity.objects.get().user
    user.set_password(PASSWORD)
    user.save()
    assert member.here.get(page).status_code == 200
