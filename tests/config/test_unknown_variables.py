"""A variable that looks like Keyhouse's, but is not, is named with the nearest one that is."""

import os

import pytest

from config import env
from config.checks import check_variables
from tests.installation import Installation

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables but those of the test."""
    for name in list(os.environ):
        if name.startswith("KEYHOUSE_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("KEYHOUSE_PUBLIC_ULR", "KEYHOUSE_PUBLIC_URL"),
        ("KEYHOUSE_TRUSTED_PROXY", "KEYHOUSE_TRUSTED_PROXIES"),
        ("KEYHOUSE_PEPPER_FILE", "KEYHOUSE_PEPPERS_FILE"),
        ("KEYHOUSE_ADMIN_PASSWD", "KEYHOUSE_ADMIN_PASSWORD"),
    ],
)
def test_the_nearest_name_is_proposed(monkeypatch: pytest.MonkeyPatch, name: str, nearest: str) -> None:
    monkeypatch.setenv(name, "hunter2")
    assert env.unknown() == [f"{name} is not a variable of Keyhouse; did you mean {nearest}?"]
    [warning] = check_variables(None)
    assert (warning.id, warning.msg) == ("keyhouse.W001", env.unknown()[0])


def test_a_name_like_no_other_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYHOUSE_XYZZY", "1")
    assert env.unknown() == ["KEYHOUSE_XYZZY is not a variable of Keyhouse"]


@pytest.mark.parametrize(
    "name",
    [
        *("KEYHOUSE_BIND", "KEYHOUSE_PEPPERS_FILE", "PATH", "MY_KEYHOUSE_URL"),
        # of a Kubernetes service or a Docker link called "keyhouse"
        *("KEYHOUSE_SERVICE_HOST", "KEYHOUSE_SERVICE_PORT", "KEYHOUSE_SERVICE_PORT_HTTP"),
        *("KEYHOUSE_PORT", "KEYHOUSE_PORT_8000_TCP", "KEYHOUSE_PORT_8000_TCP_ADDR"),
    ],
)
def test_other_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert env.unknown() == []


@pytest.mark.slow
def test_setup_warns_and_goes_on(migrated_installation: Installation) -> None:
    done = migrated_installation.manage("setup", "--json", KEYHOUSE_ADMIN_PASSWD="hunter2")
    assert done.returncode == 0
    assert done.stderr == (
        "keyhouse: warning: KEYHOUSE_ADMIN_PASSWD is not a variable of Keyhouse; "
        "did you mean KEYHOUSE_ADMIN_PASSWORD?\n"
    )


@pytest.mark.slow
def test_a_server_warns_and_serves(installation: Installation) -> None:
    with installation.serve(KEYHOUSE_PUBLIC_ULR="https://keys.example.org") as server:
        assert server.request("GET", "/ready").status == 200
    assert "warning: KEYHOUSE_PUBLIC_ULR is not a variable of Keyhouse" in server.output
