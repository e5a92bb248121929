"""Principals: what a caller may do and where, cut down by credentials and compared with others."""

from dataclasses import replace

import pytest

from access.principals import Credential, Principal, Reach, narrow, operator
from config import profiles
from config.profiles import NO_POWER, Capability, Power

pytestmark = pytest.mark.once

HERE, THERE, ELSEWHERE = 1, 2, 3
LOGIN = Credential("jwt", "a-session")
KEY = Credential("key", "a-key", label="CI")


def role(name: str, level: str) -> Power:
    return profiles.active().power_of_role(name, level)


@pytest.fixture
def owner() -> Principal:
    """A member who owns one organization and develops in another."""
    within = {HERE: role("owner", "organization"), THERE: role("developer", "organization")}
    return Principal("u", "alice", LOGIN, role("member", "global"), within, user_id=7)


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


def test_a_principal_that_nothing_is_said_of_may_do_nothing() -> None:
    nobody = Principal("u", "nobody", LOGIN)
    assert nobody.scopes_anywhere == frozenset()
    assert not any(nobody.may_somewhere(capability) for capability in Capability)


@pytest.mark.parametrize(
    ("credential", "kind", "actor_id", "label", "is_person"),
    [
        (LOGIN, "user", "u", "alice", True),
        (Credential("admin", ""), "user", "u", "alice", True),
        (KEY, "api_key", "a-key", "CI (alice)", False),
        (Credential("command", ""), "operator", "", "alice", True),
    ],
)
def test_the_audit_log_names_who_acted_and_with_what(
    owner: Principal, credential: Credential, kind: str, actor_id: str, label: str, is_person: bool
) -> None:
    caller = replace(owner, credential=credential)
    assert (caller.actor.kind, caller.actor.id, caller.actor.label) == (kind, actor_id, label)
    assert caller.is_person is is_person
