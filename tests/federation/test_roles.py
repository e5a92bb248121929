"""The roles that a provider's claims give: inside the organization, and only what their writer may give."""

import pytest
from django.test import Client

from accounts.models import Membership, Session, User
from accounts.organizations.services import add_member, change_member_role, remove_member
from accounts.sessions.browser.login import person_in
from audit.models import Event
from config.wire.errors import DomainError, NotAllowed
from federation.models import Identity, RoleRule
from federation.services.domains import claim_domain, grant_domain, is_proven
from federation.services.mapping import add_rule, remove_rule
from oauth.models import Consent
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as
from tests.conftest import PASSWORD, Cast, add_user
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, logs_in
from tests.federation.real import Browser
from tests.oauth.flow import Flow, make_client


def role_of_alice() -> str:
    """The role in Acme of the person whom the provider calls alice."""
    return Membership.objects.get(user=Identity.objects.get(subject="alice").user).role


@pytest.mark.requirement(163)
def test_the_first_rule_that_applies_gives_the_role(cast: Cast, fake: FakeProvider) -> None:
    provider, owner = set_up(cast, fake.issuer), caller_as(cast.alice)
    add_rule(caller=owner, provider=provider, value="", role="developer")
    rule = add_rule(caller=owner, provider=provider, value="bosses", role="owner")
    assert logs_in(fake, groups=["bosses", "staff"]).status_code == 302
    assert role_of_alice() == "developer"
    assert logs_in(fake, groups="bosses").status_code == 302
    assert role_of_alice() == "owner"
    assert logs_in(fake, groups=None).status_code == 302
    assert role_of_alice() == "developer"
    remove_rule(caller=owner, rule=rule)
    names = Event.objects.filter(detail__by="provider").values_list("name", flat=True)
    assert {*names} >= {"user:created", "member:added", "role:changed"}


@pytest.mark.requirement(163)
def test_a_rule_gives_no_more_than_its_writer_may_now(cast: Cast, fake: FakeProvider) -> None:
    provider, second = set_up(cast, fake.issuer), add_user("sven", memberships=[(cast.acme, "owner")])
    with pytest.raises(NotAllowed):
        add_rule(caller=caller_as(cast.bob), provider=provider, value="x", role="developer")
    with pytest.raises(DomainError):
        add_rule(caller=caller_as(cast.alice), provider=provider, value="x", role="admin")  # a global role
    assert logs_in(fake).status_code == 302
    member = Membership.objects.get(user=cast.alice)
    change_member_role(caller=caller_as(second), membership=member, role="developer")
    assert logs_in(fake).status_code == 403  # what the rule gave is lost, too
    assert not Membership.objects.filter(user=Identity.objects.get().user).exists()
    RoleRule.objects.update(written_by=None)
    assert logs_in(fake).status_code == 403


def test_a_role_given_by_hand_stays(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    logs_in(fake)
    member = Membership.objects.get(user=Identity.objects.get().user)
    change_member_role(caller=caller_as(cast.alice), membership=member, role="owner")
    logs_in(fake)
    assert role_of_alice() == "owner"


def test_the_last_manager_stays_one(cast: Cast, fake: FakeProvider) -> None:
    provider, owner = set_up(cast, fake.issuer), caller_as(cast.alice)
    add_rule(caller=caller_as(cast.ada), provider=provider, value="bosses", role="owner")
    logs_in(fake, groups=["bosses"])
    remove_member(caller=owner, membership=Membership.objects.get(user=cast.alice))
    assert logs_in(fake, groups=["nothing"]).status_code == 302
    assert role_of_alice() == "owner"


@pytest.mark.requirement(164)
def test_nobody_without_a_role_gets_an_account(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    before = User.objects.count()
    assert logs_in(fake, groups=["nothing"]).status_code == 403
    assert (User.objects.count(), Identity.objects.count()) == (before, 0)


@pytest.mark.requirement(164)
def test_the_provider_of_one_organization_gives_no_power_elsewhere(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    browser = Browser()
    logs_in(fake, browser)
    user = Identity.objects.get().user
    User.objects.filter(pk=user.pk).update(role="admin", is_superuser=True)
    add_member(caller=caller_as(cast.ada), organization=cast.umbrella, user=user, role="owner")
    who = person_in(Session.objects.get(user=user))
    assert (set(who.within), set(who.places)) == ({cast.acme.pk}, {cast.acme.pk})
    assert who.power_in(cast.umbrella.pk) == who.everywhere
    assert who.everywhere.capabilities <= person_in(log_in_as(cast.mallory)).everywhere.capabilities
    assert browser.here.get("/admin/accounts/user/").status_code == 403
    assert browser.here.get(f"/account/organizations/{cast.umbrella.uuid}").status_code == 404
    # Nor does it make anything that would outlast it with more power.
    answer = browser.here.post("/account/keys/new", {"name": "a key", "owner": str(user.uuid)})
    assert answer.status_code in (400, 403) and not user.api_keys.exists()
    flow = Flow(make_client("openid"), cast.bob, scope="openid")
    flow.browser = browser.here
    for answer in (flow.browser.get(flow.address()), flow.answer(flow.address())):
        assert answer.headers["Location"].startswith("/api/v1/auth/oauth2/login?")
    assert not Consent.objects.filter(user=user).exists()


def log_in_as(user: User) -> Session:
    Client().post("/account/login", {"identifier": user.login_name, "password": PASSWORD})
    return Session.objects.filter(user=user).latest("pk")


@pytest.mark.requirement(169)
def test_a_second_factor_counts_only_if_the_mapping_trusts_it(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    for claims, counts in (
        ({}, False),
        ({"acr": "loa3", "amr": ["pwd", "otp"]}, False),
        ({"acr": "phr"}, True),
        ({"amr": ["pwd", "mfa"]}, True),
    ):
        assert logs_in(fake, **claims).status_code == 302
        assert Session.objects.latest("pk").second_factor == counts, claims


@pytest.mark.requirement(169)
def test_a_person_with_a_second_factor_here_proves_it_or_the_provider_does(
    cast: Cast, fake: FakeProvider
) -> None:
    set_up(cast, fake.issuer)
    logs_in(fake)
    user = Identity.objects.get().user
    user.set_password(PASSWORD)
    user.save()
    app = enrolled(user)
    browser = Browser()
    answer = logs_in(fake, browser)
    page = answer.headers["Location"]
    assert page == "/account/login/organization/link"
    form = {"identifier": user.email, "password": PASSWORD}
    assert browser.here.post(page, form).status_code == 401
    assert browser.here.post(page, {**form, "totp_code": app.recovery_codes[0]}).status_code == 302
    assert logs_in(fake, amr=["mfa"]).headers["Location"] == "/account/"


@pytest.mark.requirement(162)
def test_a_domain_has_one_owner(cast: Cast) -> None:
    ada = caller_as(cast.ada)
    first, second = (
        claim_domain(caller=ada, organization=each, domain="Büro.example")
        for each in (cast.acme, cast.umbrella)
    )
    grant_domain(caller=ada, domain=first)
    grant_domain(caller=ada, domain=first)
    with pytest.raises(DomainError, match="another organization"):
        grant_domain(caller=ada, domain=second)
    with pytest.raises(NotAllowed):
        grant_domain(caller=caller_as(cast.alice), domain=first)
    assert is_proven(cast.acme, "a@BÜRO.example") and is_proven(cast.acme, "a@xn--bro-hoa.example")
    assert not is_proven(cast.umbrella, "a@büro.example")
