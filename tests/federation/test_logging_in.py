"""A person logs in with npm's oidc-provider."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Session, User
from audit.models import Event
from federation.models import Identity
from tests.conftest import PASSWORD, Cast, add_user
from tests.federation.conftest import set_up
from tests.federation.real import ALICE, Browser, RealProvider

pytestmark = pytest.mark.slow


@pytest.mark.requirement(160)
def test_the_first_login_makes_an_account_with_the_mapped_role(cast: Cast, oidc: RealProvider) -> None:
    set_up(cast, oidc.issuer)
    oidc.knows(alice=ALICE)
    answer = Browser().logs_in(back="/account/sessions")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/sessions"), answer.content
    user = Identity.objects.get(issuer=oidc.issuer, subject="alice").user
    assert (user.email, user.email_verified, user.name) == ("alice@acme.example", True, "Alice Ash")
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user).role == "developer"
    assert Event.objects.filter(name="identity:linked", target_id=str(user.uuid)).exists()


def test_the_next_login_finds_the_account_by_its_subject_whatever_its_address(
    cast: Cast, oidc: RealProvider
) -> None:
    set_up(cast, oidc.issuer)
    oidc.knows(alice=ALICE)
    browser = Browser()
    browser.logs_in()
    user = Identity.objects.get().user
    oidc.knows(alice={**ALICE, "email": "al@acme.example"}, bob={**ALICE, "email": "alice@acme.example"})
    assert Browser().logs_in().status_code == 302
    assert list(Identity.objects.values_list("user", flat=True)) == [user.pk]
    # Another person there, who now has the address, is not this account.
    answer = Browser().logs_in("bob")
    assert answer.headers["Location"] == "/account/login/organization/link"
    assert not Identity.objects.filter(subject="bob").exists()


@pytest.mark.requirement(161)
def test_an_account_is_linked_only_after_its_own_password(cast: Cast, oidc: RealProvider) -> None:
    set_up(cast, oidc.issuer)
    known = add_user("anna")
    User.objects.filter(pk=known.pk).update(email="alice@acme.example", email_key="alice@acme.example")
    oidc.knows(alice=ALICE)
    browser = Browser()
    answer = browser.logs_in(back="/account/sessions")
    page = answer.headers["Location"]
    assert page == "/account/login/organization/link"
    assert not Session.objects.filter(user=known).exists()
    form = {"identifier": "mallory", "password": PASSWORD}
    assert browser.here.post(page, form).status_code == 403  # not the account that the provider means
    assert not Identity.objects.exists()
    assert browser.here.post(page, {**form, "identifier": "anna", "password": "wrong"}).status_code == 401
    answer = browser.here.post(page, {**form, "identifier": "anna"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/sessions")
    assert Identity.objects.get().user == known
    assert Browser().logs_in().headers["Location"] == "/account/"
    assert Session.objects.filter(user=known, organization=cast.acme).count() == 1


def test_a_stranger_has_no_page_to_link_on(cast: Cast) -> None:
    answer = Client().get("/account/login/organization/link")
    assert answer.headers["Location"] == "/account/login/organization"


@pytest.mark.requirement(171)
def test_a_person_without_a_password_proves_at_the_provider_who_they_are(
    cast: Cast, oidc: RealProvider
) -> None:
    set_up(cast, oidc.issuer)
    oidc.knows(alice=ALICE)
    browser = Browser()
    browser.logs_in()
    Session.objects.filter(organization=cast.acme).update(proven_again_at=timezone.now() - timedelta(days=1))
    page = "/account/keys/new"
    to_proof = browser.here.get(page).headers["Location"]
    entry = browser.here.get(to_proof).headers["Location"]
    assert entry == "/account/login/organization?next=%2Faccount%2Fkeys%2Fnew"
    address = browser.begins(back=page)
    assert "prompt=login" in address and "max_age=0" in address
    assert browser.comes_back(browser.logs_in_there(address)).headers["Location"] == page
    assert browser.here.get(page).status_code == 200


@pytest.mark.requirement(165)
def test_a_login_counts_once_and_in_its_own_browser(cast: Cast, oidc: RealProvider) -> None:
    set_up(cast, oidc.issuer)
    oidc.knows(alice=ALICE)
    browser, victim = Browser(), Browser()
    back = browser.logs_in_there(browser.begins())
    assert victim.comes_back(back).status_code == 403  # login CSRF: another browser began it
    victim.begins()
    assert victim.comes_back(back).status_code == 403
    cookies = browser.here.cookies.output()
    assert browser.comes_back(back).status_code == 302
    replay = Browser()
    for line in cookies.splitlines():
        name, _, value = line.removeprefix("Set-Cookie: ").partition("=")
        replay.here.cookies[name] = value.split(";")[0].strip('"')
    assert replay.comes_back(back).status_code == 403
    assert Session.objects.filter(organization=cast.acme).count() == 1
