"""An organization requires its provider: whose passwords and passkeys count, and who stays able to get in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Membership, Organization, Session, User
from accounts.organizations.services import add_member, change_member_role
from accounts.sessions.browser.login import person_in
from audit.models import Event
from config.limits import limits
from config.wire.errors import Conflict, Invalid, NotAllowed, TooManyAttempts
from federation.models import Identity
from federation.services.domains import remove_domain
from federation.services.enforcing import set_enforcement
from federation.services.mapping import add_rule
from federation.services.providers import remove_provider
from oauth.models import Consent
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as
from tests.accounts.passkeys.authenticator import asked_at, browser, with_passkey
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, log_in
from tests.console.helpers import console_of
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, logs_in
from tests.federation.real import Browser
from tests.oauth.devices.flow import Device, error_of
from tests.oauth.flow import Flow, make_client, parameters

BOUND = "Your organization requires its identity provider. Log in with your organization."
LOGIN = {"username": "bob", "password": PASSWORD}


def require(cast: Cast, *excepted: User, required: bool = True) -> int:
    return set_enforcement(
        caller=caller_as(cast.ada),
        organization=cast.acme,
        required=required,
        excepted=[each.uuid for each in excepted],
    )


@pytest.fixture
def required(cast: Cast, fake: FakeProvider) -> None:
    """Acme requires its provider; nobody is excepted."""
    set_up(cast, fake.issuer)
    require(cast)


@pytest.mark.requirement(177)
def test_passwords_of_members_no_longer_log_in(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    before = as_user(cast.bob)
    assert before.get("auth/me").status_code == 200
    assert require(cast) == 1
    assert before.get("auth/me").status_code == 401
    assert assert_problem(Api().post("auth/login", LOGIN), 403, "not_allowed")["detail"] == BOUND
    assert BOUND in browser().post("/account/login", form_of("bob")).content.decode()
    refused = {"detail__reason": "must log in with the organization", "target_id": str(cast.bob.uuid)}
    assert Event.objects.filter(**refused).count() == 2
    assert not Session.objects.filter(user=cast.bob, ended_at=None).exists()
    log_in(cast.charlie)  # of another organization
    require(cast, required=False)
    log_in(cast.bob)


def form_of(name: str, password: str = PASSWORD, **more: str) -> dict[str, str]:
    return {"identifier": name, "password": password, **more}


@pytest.mark.requirement(177)
def test_a_passkey_of_a_member_no_longer_logs_in(cast: Cast, fake: FakeProvider) -> None:
    key, client = with_passkey(cast.bob), browser()
    set_up(cast, fake.issuer)
    require(cast)
    answer = client.post("/account/login", {"passkey": key.signed(asked_at(client))})
    assert answer.status_code == 403 and BOUND in answer.content.decode()


@pytest.mark.requirement(178)
@pytest.mark.usefixtures("required")
def test_only_the_right_password_and_code_reveal_that_the_provider_is_required(cast: Cast) -> None:
    def said(name: str, **more: str) -> tuple[int, str]:
        answer = Api().post("auth/login", {"username": name, "password": PASSWORD, **more})
        return answer.status_code, answer.json()["detail"]

    assert said("bob", password="wrong") == said("nobody") == said("mallory", password="wrong")
    app = enrolled_while_free(cast)
    assert said("bob") == (401, said("bob")[1]) and said("bob")[1] != BOUND
    assert said("bob", totp_code="000000") == said("bob", password="wrong")
    assert said("bob", totp_code=app.recovery_codes[0]) == (403, BOUND)


@pytest.mark.requirement(178)
@pytest.mark.usefixtures("required")
def test_a_login_that_is_refused_for_the_provider_spends_no_code(cast: Cast) -> None:
    app = enrolled_while_free(cast)
    for code in (app.recovery_codes[0], app.code()) * 2:
        assert_problem(Api().post("auth/login", {**LOGIN, "totp_code": code}), 403, "not_allowed")
    require(cast, required=False)
    for code in (app.recovery_codes[0], app.code()):
        assert Api().post("auth/login", {**LOGIN, "totp_code": code}).status_code == 200


def enrolled_while_free(cast: Cast) -> Any:
    """The app of bob, which he added before the provider was required."""
    require(cast, required=False)
    app = enrolled(cast.bob)
    require(cast)
    return app


@pytest.mark.requirement(179)
@pytest.mark.usefixtures("required")
def test_a_password_of_somebody_with_more_elsewhere_has_no_power_here(cast: Cast) -> None:
    """The managers of Acme do not decide how people log in to Umbrella."""
    add_member(caller=caller_as(cast.ada), organization=cast.umbrella, user=cast.alice, role="developer")
    alice = as_user(cast.alice)
    assert alice.get(f"organizations/{cast.acme.uuid}").status_code == 403
    who = person_in(Session.objects.get(user=cast.alice, ended_at=None))
    assert set(who.places) == set(who.within) == {cast.umbrella.pk}
    answer = alice.post("api-keys", {"name": "outlasts the login", "scopes": []})
    assert_problem(answer, 403, "not_allowed")
    require(cast, cast.alice)
    assert alice.get(f"organizations/{cast.acme.uuid}").status_code == 200  # the same login


@pytest.mark.requirement(179)
@pytest.mark.usefixtures("required")
def test_a_password_of_somebody_with_more_here_gives_no_consent(cast: Cast) -> None:
    """A client would have the power of the whole person."""
    add_member(caller=caller_as(cast.ada), organization=cast.umbrella, user=cast.alice, role="developer")
    flow = Flow(make_client(), cast.alice)
    address = flow.address()
    back = flow.log_in(address)["Location"]
    said = "This login counts only in some of"
    page = flow.browser.get(back).content.decode()
    assert said in page and 'value="deny"' in page and 'value="allow"' not in page
    assert parameters(flow.answer(address)["Location"])["error"] == "access_denied"
    silent = flow.browser.get(flow.address(prompt="none"))
    assert parameters(silent["Location"])["error"] == "interaction_required"
    device = Device()
    assert said in device.answered(cast.alice).content.decode()
    assert error_of(device.poll()) == (400, "authorization_pending")
    assert not Consent.objects.exists()


@pytest.mark.requirement(179)
def test_remembered_callers_lose_their_power_at_once(
    cast: Cast, fake: FakeProvider, lease: Callable[[float], None]
) -> None:
    set_up(cast, fake.issuer)
    add_member(caller=caller_as(cast.ada), organization=cast.umbrella, user=cast.alice, role="developer")
    alice, path = as_user(cast.alice), f"organizations/{cast.acme.uuid}"
    lease(1e-9)
    for required, status in ((False, 200), (True, 403), (False, 200)):
        require(cast, required=required)
        assert [alice.get(path).status_code for _ in range(2)] == [status] * 2


@pytest.mark.requirement(179)
@pytest.mark.usefixtures("required")
def test_a_login_from_before_the_membership_has_no_power_here(cast: Cast) -> None:
    mallory = as_user(cast.mallory)
    add_member(caller=caller_as(cast.ada), organization=cast.acme, user=cast.mallory, role="owner")
    assert mallory.get(f"organizations/{cast.acme.uuid}").status_code == 403
    assert Api().post("auth/login", {**LOGIN, "username": "mallory"}).status_code == 403


@pytest.mark.requirement(180)
def test_members_who_are_excepted_keep_their_passwords(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    owner = as_user(cast.alice)
    require(cast, cast.alice)
    assert owner.get(f"organizations/{cast.acme.uuid}").status_code == 200
    log_in(cast.alice)
    log_in(cast.ada)  # an administrator, and no member
    for who in (cast.bob, cast.charlie):  # who manages nothing there, and who is no member
        with pytest.raises(Invalid, match="manage"):
            require(cast, who)
    assert require(cast) == 2  # nobody is excepted any more
    assert owner.get("auth/me").status_code == 401


@pytest.mark.requirement(180)
def test_a_member_who_no_longer_manages_is_no_longer_excepted(cast: Cast, fake: FakeProvider) -> None:
    provider = set_up(cast, fake.issuer)
    add_rule(caller=caller_as(cast.ada), provider=provider, value="bosses", role="owner")
    logs_in(fake, groups=["bosses"])
    boss = Identity.objects.get().user
    require(cast, cast.alice, boss)
    logs_in(fake)  # a developer
    assert Membership.objects.get(keeps_own_login=True).user == cast.alice
    for role in ("developer", "owner"):
        member = Membership.objects.get(user=cast.alice)
        change_member_role(caller=caller_as(cast.ada), membership=member, role=role)
        assert_problem(Api().post("auth/login", {**LOGIN, "username": "alice"}), 403, "not_allowed")


@pytest.mark.requirement(180)
def test_a_manager_requires_only_what_let_them_in(cast: Cast, fake: FakeProvider) -> None:
    provider = set_up(cast, fake.issuer)
    add_rule(caller=caller_as(cast.ada), provider=provider, value="bosses", role="owner")
    page = reverse("console-provider-require", args=[cast.acme.uuid])
    answer = console_of(cast.alice).post(page, {"required": "on"})
    assert answer.status_code == 409 and "log in with the provider first" in answer.content.decode()
    boss = Browser()
    logs_in(fake, boss, groups=["bosses"])
    assert boss.here.post(page, {"required": "on", "excepted": str(cast.alice.uuid)}).status_code == 302
    overview = boss.here.get(reverse("console-provider", args=[cast.acme.uuid])).content.decode()
    assert "Excepted: alice." in overview
    assert Membership.objects.get(keeps_own_login=True).user == cast.alice
    event = Event.objects.get(name="enforcement:changed")
    assert event.detail == {"required": True, "excepted": [str(cast.alice.uuid)], "sessions": 0}
    with pytest.raises(NotAllowed):
        set_enforcement(caller=caller_as(cast.bob), organization=cast.acme, required=False)
    assert boss.here.post(page, {"excepted": str(cast.alice.uuid)}).status_code == 302
    log_in(cast.bob)


@pytest.mark.requirement(180)
def test_an_organization_without_managers_has_nobody_to_except(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    Membership.objects.filter(user=cast.alice).delete()
    page, admin = reverse("console-provider-require", args=[cast.acme.uuid]), console_of(cast.ada)
    assert "Except" not in admin.get(page).content.decode()
    assert admin.post(page, {"required": "on", "excepted": str(cast.bob.uuid)}).status_code == 302
    assert Organization.objects.get(pk=cast.acme.pk).requires_provider
    assert not Membership.objects.filter(keeps_own_login=True).exists()


@pytest.mark.requirement(180)
@pytest.mark.usefixtures("required")
def test_the_page_shows_exceptions_first_and_ends_only_those_that_it_showed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another manager excepts olga after the page was loaded; and there are more managers than it shows."""
    olga = add_user("olga", memberships=[(cast.acme, "owner")])
    require(cast, olga)
    monkeypatch.setattr("console.organizations.enforcement.MOST_SHOWN", 1)
    page, admin = reverse("console-provider-require", args=[cast.acme.uuid]), console_of(cast.ada)
    assert admin.post(page, {"required": "on", "seen": ["nobody", str(cast.alice.uuid)]}).status_code == 302
    assert Membership.objects.get(keeps_own_login=True).user == olga
    shown = admin.get(page).content.decode()
    assert f'name="seen" value="{olga.uuid}"' in shown and str(cast.alice.uuid) not in shown
    assert admin.post(page, {"required": "on", "seen": str(olga.uuid)}).status_code == 302
    assert not Membership.objects.filter(keeps_own_login=True).exists()


@pytest.mark.requirement(180)
@pytest.mark.usefixtures("required")
def test_the_operator_allows_passwords_when_the_provider_is_down(cast: Cast) -> None:
    call_command("allowpasswords", "Acme")
    log_in(cast.bob)
    assert Event.objects.filter(name="enforcement:changed").latest("sequence").actor_kind == "operator"


@pytest.mark.requirement(92)
def test_a_manager_changes_it_a_limited_number_of_times(
    cast: Cast, fake: FakeProvider, settings: Settings
) -> None:
    """Each change makes all workers forget their callers. The operator is not counted."""
    set_up(cast, fake.issuer)
    settings.LIMITS = limits(["provider_setup.account=1"])
    require(cast)
    with pytest.raises(TooManyAttempts):
        remove_provider(caller=caller_as(cast.ada), organization=cast.acme)
    for _ in range(2):
        call_command("allowpasswords", "Acme")


@pytest.mark.requirement(180)
@pytest.mark.usefixtures("required")
def test_the_way_in_is_not_taken_away(cast: Cast) -> None:
    with pytest.raises(Conflict, match="last proven"):
        remove_domain(caller=caller_as(cast.ada), domain=cast.acme.domains.get())
    remove_provider(caller=caller_as(cast.ada), organization=cast.acme)
    assert not Organization.objects.get(pk=cast.acme.pk).requires_provider
    log_in(cast.bob)


@pytest.mark.parametrize("has_app", [False, True])
@pytest.mark.requirement(177)
def test_a_member_links_the_account_with_its_password(cast: Cast, fake: FakeProvider, has_app: bool) -> None:
    """The login then counts as one with the provider; so does one with a second factor of one's own."""
    set_up(cast, fake.issuer)
    known = add_user("anna", memberships=[(cast.acme, "developer")])
    code = {"totp_code": enrolled(known).code()} if has_app else {}
    require(cast)
    User.objects.filter(pk=known.pk).update(email="alice@acme.example", email_key="alice@acme.example")
    page = logs_in(fake, member := Browser()).headers["Location"]
    assert member.here.post(page, form_of("anna", **code)).status_code == 302
    assert Identity.objects.get().user == known
    assert Session.objects.get(user=known, ended_at=None, organization=cast.acme).second_factor is has_app
    again = member.here.get("/account/prove?next=/account/")
    assert again.headers["Location"] == "/account/login/organization?next=%2Faccount%2F"
