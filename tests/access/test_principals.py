"""Principals: what a caller may do and where, cut down by credentials and compared with others."""

from dataclasses import replace

import pytest

from access.principals import Credential, Place, Principal, Reach, narrow, operator
from audit.actors import Actor
from config import profiles
from config.profiles import NO_POWER, Capability, Power
from config.wire.errors import NotAllowed, SecondFactorRequired
from tests.accounts.helpers import serving

pytestmark = pytest.mark.once

HERE, THERE, ELSEWHERE = 1, 2, 3
LOGIN = Credential("jwt", "a-session")
KEY = Credential("key", "a-key", label="CI")
CONSENT = Credential("oauth2", "a-consent", label="Notes", token=3)


def role(name: str, level: str) -> Power:
    return profiles.active().power_of_role(name, level)


@pytest.fixture
def owner() -> Principal:
    """A member who owns one organization and develops in another."""
    within = {HERE: role("owner", "organization"), THERE: role("developer", "organization")}
    return Principal("u", "alice", LOGIN, role("member", "global"), within, user_id=7)


@pytest.fixture
def member(owner: Principal) -> Principal:
    """The owner, acting in HERE and with roles."""
    roles = frozenset({"member", "owner"})
    places = {HERE: Place("h", roles), THERE: Place("t", frozenset({"member", "developer"}))}
    return replace(owner, organization_id=HERE, organization="h", roles=roles, places=places)


def test_power_in_a_place_is_the_global_role_and_the_role_there(owner: Principal) -> None:
    assert owner.may(Capability.MANAGE_KEYS, HERE)
    assert not owner.may(Capability.MANAGE_KEYS, THERE)
    assert not owner.may(Capability.MANAGE_KEYS)
    assert owner.may(Capability.MANAGE_OWN_KEYS, ELSEWHERE)
    assert owner.power_in(None) == owner.power_in(ELSEWHERE) == owner.everywhere


@pytest.mark.parametrize(
    ("capability", "reach"),
    [
        (Capability.MANAGE_KEYS, Reach(False, frozenset({HERE}))),
        (Capability.READ_KEYS, Reach(False, frozenset({HERE, THERE}))),
        (Capability.READ_OWN_KEYS, Reach(True, frozenset({HERE, THERE}))),
        (Capability.MANAGE_USERS, Reach(False, frozenset())),
    ],
)
def test_reach_is_every_place_where_a_thing_may_be_done(
    owner: Principal, capability: Capability, reach: Reach
) -> None:
    assert owner.reach(capability) == reach
    assert owner.may_somewhere(capability) == bool(reach) == (reach != (False, frozenset()))


def test_scopes_hold_where_the_credential_acts(owner: Principal) -> None:
    assert owner.scopes == {"services:read", "keys:read", "keys:write"}
    acting = replace(owner, organization_id=THERE)
    assert acting.scopes == {"services:read", "services:write", "keys:read", "keys:write"}
    assert owner.scopes_anywhere == acting.scopes | {"audit:read"}


@pytest.mark.requirement(59)
def test_a_credential_can_do_what_it_was_given_and_its_owner_holds(owner: Principal) -> None:
    key = replace(owner, organization_id=HERE).narrowed(frozenset({"services:write", "users:write"}), KEY)
    assert key.scopes == {"services:read", "services:write"}
    assert not any(key.may_somewhere(capability) for capability in Capability)
    assert (key.credential, key.user_id, key.subject) == (KEY, 7, "u")


@pytest.mark.requirement(59)
def test_narrowing_gives_nothing_that_is_not_held(owner: Principal) -> None:
    for granted in (frozenset(profiles.active().scopes), frozenset({"no such scope"}), frozenset[str]()):
        key = owner.narrowed(granted, KEY)
        assert not key.excess_over(owner).scopes
        assert not key.excess_over(owner).capabilities
    assert owner.narrowed(frozenset(), KEY).scopes_anywhere == frozenset()


def test_a_scope_opens_no_capability_to_who_holds_the_scope_alone() -> None:
    held = Power(scopes=frozenset({"keys:write", "keys:read"}))
    assert narrow(held, frozenset({"keys:write"})) == held


@pytest.mark.requirement(60)
def test_narrowing_twice_is_narrowing_to_what_both_allow(owner: Principal) -> None:
    twice = owner.narrowed(frozenset({"keys:write"}), KEY).narrowed(frozenset({"services:read"}), KEY)
    assert twice.scopes_anywhere == frozenset()


def test_excess_is_what_the_other_may_not_do_in_that_place(owner: Principal) -> None:
    developer = replace(owner, within={THERE: role("developer", "organization")})
    excess = owner.excess_over(developer)
    assert excess.capabilities == role("owner", "organization").capabilities - owner.everywhere.capabilities
    assert excess.scopes == {"services:write", "audit:read"}
    assert developer.excess_over(owner) == NO_POWER


def test_power_in_one_organization_is_not_power_in_another(owner: Principal) -> None:
    moved = replace(owner, within={ELSEWHERE: role("owner", "organization")})
    assert moved.excess_over(owner) != NO_POWER
    assert owner.excess_over(moved) != NO_POWER


def test_the_operator_may_do_everything_everywhere(owner: Principal) -> None:
    assert all(operator("root").may(capability, HERE) for capability in Capability)
    assert owner.excess_over(operator("root")) == NO_POWER
    assert operator("root").actor == Actor("operator", "", "root")
    assert operator("root").credential == Credential("command", "")
    assert operator("root").subject == ""


def test_a_principal_that_nothing_is_said_of_may_do_nothing() -> None:
    nobody = Principal("u", "nobody", LOGIN)
    assert nobody.scopes_anywhere == frozenset()
    assert not any(nobody.may_somewhere(capability) for capability in Capability)


@pytest.mark.parametrize(
    ("credential", "kind", "actor_id", "label", "is_person"),
    [
        (LOGIN, "user", "u", "alice", True),
        (KEY, "api_key", "a-key", "CI (alice)", False),
        (CONSENT, "oauth2", "a-consent", "Notes (alice)", False),
        (Credential("command", ""), "operator", "", "alice", True),
    ],
)
def test_the_audit_log_names_who_acted_and_with_what(
    owner: Principal, credential: Credential, kind: str, actor_id: str, label: str, is_person: bool
) -> None:
    caller = replace(owner, credential=credential)
    assert (caller.actor.kind, caller.actor.id, caller.actor.label) == (kind, actor_id, label)
    assert caller.is_person is is_person


@pytest.mark.parametrize("credential", [KEY, CONSENT])
def test_the_audit_log_has_the_first_200_characters_of_a_long_label(
    owner: Principal, credential: Credential
) -> None:
    caller = replace(owner, credential=replace(credential, label="x" * 300))
    assert caller.actor.label == "x" * 200


def test_a_client_holds_its_tokens_and_the_keys_that_it_created() -> None:
    assert Credential("oauth2", "a-machine").is_of_client
    assert replace(KEY, token=3).is_of_client
    assert not KEY.is_of_client and not LOGIN.is_of_client


def test_a_program_is_told_of_the_second_factor_that_its_person_lacks(owner: Principal) -> None:
    weak = owner.without_power().narrowed(frozenset({"keys:write"}), CONSENT)
    stronger = weak.with_second_factor
    assert stronger is not None
    assert stronger == owner.narrowed(frozenset({"keys:write"}), CONSENT)
    assert stronger.scopes_anywhere == {"keys:read", "keys:write"}
    with pytest.raises(SecondFactorRequired):
        weak.require(lambda who: who.may(Capability.MANAGE_KEYS, HERE), "no")
    with pytest.raises(NotAllowed) as refused:
        weak.require(lambda who: who.may(Capability.READ_AUDIT, HERE), "no")
    assert not isinstance(refused.value, SecondFactorRequired)


def test_organizations_that_require_no_second_factor_give_their_roles_without_one(member: Principal) -> None:
    """The member acts in HERE, and only THERE requires a second factor for everything."""
    weak = member.without_second_factor(frozenset({THERE}))
    assert (weak.within[HERE], weak.within[THERE]) == (member.within[HERE], NO_POWER)
    assert weak.roles == weak.places[HERE].roles == {"member", "owner"}
    assert weak.places[THERE].roles == {"member"}
    assert weak.with_second_factor is member
    assert member.without_second_factor(frozenset({HERE})).roles == {"member"}


def test_what_a_profile_keeps_for_a_second_factor_is_lost_without_one_everywhere(owner: Principal) -> None:
    with serving("login", second_factor_for=(Capability.MANAGE_KEYS, Capability.READ_OWN_KEYS)):
        weak = owner.without_second_factor(frozenset())
    assert not weak.may(Capability.MANAGE_KEYS, HERE) and not weak.may_somewhere(Capability.READ_OWN_KEYS)
    assert weak.may(Capability.READ_KEYS, HERE) and weak.may(Capability.MANAGE_OWN_KEYS)
    assert weak.with_second_factor is owner


def test_without_the_second_factor_that_they_must_have_a_person_has_no_role_anywhere(
    member: Principal,
) -> None:
    weak = member.without_power()
    assert {weak.everywhere, *weak.within.values()} == {NO_POWER}
    assert {weak.roles, *(place.roles for place in weak.places.values())} == {frozenset()}
    assert weak.with_second_factor is member
    assert weak.holds_anything and not Principal("u", "nobody", LOGIN).holds_anything


def test_a_person_who_acts_elsewhere_would_act_there_with_a_second_factor_too(member: Principal) -> None:
    acting = member.without_power().acting_in(THERE)
    assert (acting.organization_id, acting.organization, acting.roles) == (THERE, "t", frozenset())
    assert acting.with_second_factor == member.acting_in(THERE)
    assert member.acting_in(THERE).roles == {"member", "developer"}


def test_without_a_second_factor_nobody_loses_what_they_do_not_have(owner: Principal) -> None:
    assert owner.without_second_factor(frozenset()) is owner
    assert owner.without_second_factor(frozenset({ELSEWHERE})) is owner
    powerless = owner.without_power()
    assert powerless.without_power() is powerless
