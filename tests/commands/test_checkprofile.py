"""checkprofile checks and shows a profile before it is served."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.profiles import Profile, load, shipped_names
from config.profiles.loader import SHIPPED
from tests.commands.helpers import assert_one_line, output_of, refusal_of, run
from tests.config.profile_texts import GOOD
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.django_db]


def assert_shown(document: dict[str, Any], profile: Profile) -> None:
    endpoints = {(each["method"], each["path"]): each["needs"] for each in document["endpoints"]}
    assert endpoints["POST", f"{profile.base_path}/auth/login"] == "nothing"
    assert endpoints["GET", f"{profile.base_path}/{profile.paths.api_keys}"] == "read_keys or read_own_keys"
    assert [row["scope"] for row in document["roles"]] == list(profile.scopes)
    assert [row["path"] for row in document["routes"]] == [route.path for route in profile.routes]


def test_a_profile_that_is_not_the_served_one_is_shown(bare_installation: Installation) -> None:
    assert_shown(bare_installation.manage_json("checkprofile", "sentinelnerd"), load("sentinelnerd"))


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_profile_shows_its_endpoints_roles_and_routes(
    name: str, served_profile: Callable[[Profile], None]
) -> None:
    served_profile(load(name))  # paths of a process are those of the first profile that it asks for them
    assert_shown(run("checkprofile", name), load(name))


def test_an_operators_own_file_is_shown_as_tables(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text((SHIPPED / "netrecon.toml").read_text().replace("NetRecon", "Sixth"))
    printed = output_of("checkprofile", str(own))
    assert f"{own}: Sixth, valid." in printed
    assert "api_keys_manage" in printed and "/api/v1/scans/**" in printed


def test_a_file_with_a_mistake_is_one_line_with_file_member_and_reason(
    tmp_path: Path, bare_installation: Installation
) -> None:
    own = tmp_path / "own.toml"
    own.write_text((SHIPPED / "netrecon.toml").read_text().replace("checksum = 8", "checksum = 48"))
    done = bare_installation.manage("checkprofile", str(own))
    assert_one_line(done, str(own), "keys.environments.live.checksum", "less than the length")


def test_a_spelling_of_an_unknown_member_is_reported_before_the_profile_is_served(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'{GOOD}[wire.names]\n"me.nonsuch" = "x"\n')
    reason = refusal_of("checkprofile", str(own))
    told = f"(keyhouse.E005) profile {own}: wire.names.me.nonsuch: is not a member of any resource. Correct"
    assert reason.startswith(told) and reason.isprintable()
