"""Finds profiles, and derives from them who may do what."""

import os
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from config import profiles
from config.checks import check_profile, check_wire
from config.profiles import Capability, Power
from config.profiles.capabilities import NO_POWER
from tests.config.profile_texts import GOOD, good_but

pytestmark = pytest.mark.once

EVERYTHING = frozenset(Capability)


def scopes(text: str) -> profiles.Profile:
    """The good profile with other scopes: "a: b c" says that a implies b and c."""
    start, end = GOOD.index("[scopes.read]"), GOOD.index("[roles.admin]")
    tables = [line.split(":") for line in text.splitlines()]
    new = "".join(
        f'[scopes.{name.strip()}]\ndescription = "x"\nimplies = {implied.split()}\n'
        for name, implied in tables
    )
    rest = GOOD[end : GOOD.index("[[routes]]")].replace('scopes = ["write"]', 'scopes = ["a"]')
    return profiles.parse(GOOD[:start] + new.replace("'", '"') + rest, source="test")


def test_a_scope_brings_what_it_implies_directly_or_through_others() -> None:
    profile = scopes("a: b\nb: c\nc:\nd:")
    assert profile.power_of_scopes(frozenset({"a"})).scopes == {"a", "b", "c"}
    assert profile.power_of_scopes(frozenset({"c", "d"})).scopes == {"c", "d"}


def test_scopes_may_imply_each_other() -> None:
    profile = scopes("a: b\nb: c\nc: a\nd: d")
    assert profile.power_of_scopes(frozenset({"b"})).scopes == {"a", "b", "c"}
    assert profile.power_of_scopes(frozenset({"d"})).scopes == {"d"}


def test_a_star_implies_every_scope_and_every_capability() -> None:
    profile = profiles.parse(
        good_but(('implies = ["read"]', 'implies = "*"\ncapabilities = "*"')), source="test"
    )
    assert profile.power_of_scopes(frozenset({"write"})) == profile.everything
    assert profile.power_of_scopes(frozenset({"read"})) == Power(scopes=frozenset({"read"}))


def test_capabilities_come_from_implied_scopes_too() -> None:
    text = good_but(('description = "Read"', 'description = "Read"\ncapabilities = ["read_keys"]'))
    profile = profiles.parse(text, source="test")
    assert profile.power_of_scopes(frozenset({"write"})).capabilities == {Capability.READ_KEYS}


def test_an_unknown_scope_allows_nothing() -> None:
    assert profiles.parse(GOOD, source="test").power_of_scopes(frozenset({"nope"})) == NO_POWER


def test_a_role_counts_at_its_own_level_only() -> None:
    profile = profiles.parse(GOOD, source="test")
    assert profile.power_of_role("admin", "global") == profile.everything
    assert profile.power_of_role("admin", "organization") == NO_POWER
    assert profile.power_of_role("owner", "global") == NO_POWER
    owner = Power(frozenset({Capability.READ_KEYS}), frozenset({"read", "write"}))
    assert profile.power_of_role("owner", "organization") == owner


@pytest.mark.parametrize("name", [None, "", "boss"])
def test_an_unknown_role_allows_nothing(name: str | None) -> None:
    assert profiles.parse(GOOD, source="test").power_of_role(name, "global") == NO_POWER


def test_a_profile_cannot_be_changed() -> None:
    profile = profiles.parse(GOOD, source="test")
    with pytest.raises(AttributeError):
        profile.file.product.name = "Another"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        profile.source = "elsewhere"  # type: ignore[misc]


def test_an_override_ends_with_its_block_whatever_happens_in_it() -> None:
    before, other = profiles.active(), profiles.parse(GOOD, source="test")
    with pytest.raises(RuntimeError), profiles.override(other):
        assert profiles.active() is other
        raise RuntimeError
    assert profiles.active() is before


def test_a_shipped_profile_is_found_by_name() -> None:
    assert profiles.load("keyhouse").base_path == "/api/v1"


def test_an_unknown_name_is_refused_and_the_shipped_ones_are_named() -> None:
    for name in ("Keyhouse", "keyhous", "..", "loader", ""):
        with pytest.raises(profiles.ProfileError, match="not a shipped profile: use one of dariet, keyhouse"):
            profiles.load(name)


def test_an_operators_file_is_found_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert profiles.load(str(path)).source == str(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(profiles.ProfileError, match=reason) as raised:
            profiles.load(str(path))
        assert (raised.value.source, raised.value.member) == (str(path), "KEYHOUSE_PROFILE")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.toml"
    path.touch(mode=0)
    with pytest.raises(profiles.ProfileError, match="Permission denied"):
        profiles.load(str(path))


def test_a_bad_profile_is_a_failed_system_check_with_an_id(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(good_but(("base62", "base64")))
    with override_settings(KEYHOUSE_PROFILE=str(path)):
        (error,) = check_profile(None)
        assert error.id == "keyhouse.E001"
        assert str(path) in error.msg
        assert "keys.environments.live.alphabet" in error.msg
        assert check_wire(None) == []


def test_the_shipped_profile_passes_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KEYHOUSE_TEST_")]:
        monkeypatch.delenv(name)  # how the tests are run is not Keyhouse's
    assert run_checks() == []


@pytest.mark.parametrize(
    ("wire", "member", "reason"),
    [
        ('names."api_key.nam" = "title"', "wire.names.api_key.nam", "is not a member of any resource"),
        ('names.expiry = "expires"', "wire.names.expiry", "is not a member of any resource"),
        ('names."key.name" = "title"', "wire.names.key.name", "is not a member of any resource"),
        ('members.keys = ["id"]', "wire.members.keys", "is not a resource; the resources are: api_key"),
        ('members.api_key = ["id", "key"]', "wire.members.api_key", "'key' is not a member"),
        ('id_prefixes.key = "key_"', "wire.id_prefixes.key", "is not a resource; the resources are: api_key"),
        ('names."user.name" = "email"', "wire.names", "user.email and user.name would have the same name"),
    ],
)
def test_unknown_wire_names_are_failed_checks(wire: str, member: str, reason: str) -> None:
    with profiles.override(profiles.parse(f"{GOOD}[wire]\n{wire}", source="mine.toml")):
        found = check_wire(None)
    assert {error.id for error in found} == {"keyhouse.E005"}
    assert any(f"profile mine.toml: {member}: {reason}" in error.msg for error in found), found


def test_wire_names_that_exist_pass() -> None:
    wire = (
        'names = {expires_at = "expiry", "api_key.name" = "title"}\n'
        'members.api_key = ["name", "id"]\nids = "prefixed"\nid_prefixes.api_key = "key_"'
    )
    with profiles.override(profiles.parse(f"{GOOD}[wire]\n{wire}", source="mine.toml")):
        assert check_wire(None) == []
