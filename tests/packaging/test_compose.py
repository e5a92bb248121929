"""deploy/compose: what Docker Compose makes of its file, and the secrets. test_runs.py runs the services."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from config.program import VERSION
from config.server.processes import STOP_SECONDS
from tests.packaging.described import COMPOSE, compose, services

pytestmark = pytest.mark.once


def test_without_a_public_address_nothing_starts_and_the_file_says_why() -> None:
    done = compose()
    assert done.returncode != 0
    assert "KEYHOUSE_PUBLIC_URL" in done.stderr and "set the https address that clients use" in done.stderr


def test_keyhouse_has_a_read_only_tree_and_no_capabilities() -> None:
    for name in ("keyhouse", "setup"):
        service = services()[name]
        assert service["image"] == f"keyhouse:{VERSION}"
        assert service["read_only"] is True and service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert "privileged" not in service and "user" not in service  # the image's
    assert all(each["security_opt"] == ["no-new-privileges:true"] for each in services().values())


def test_only_nginx_is_reached_from_outside() -> None:
    assert [name for name, service in services().items() if service.get("ports")] == ["nginx"]


def test_keyhouse_has_time_to_stop() -> None:
    assert int(services()["keyhouse"]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = [volume for each in services().values() for volume in each.get("volumes", [])]
    files = [volume for volume in mounted if volume["type"] == "bind"]
    assert len(files) == 4
    assert all(Path(volume["source"]).is_file() and volume["read_only"] for volume in files)


def test_secrets_are_made_once_and_only_their_owner_reaches_them(tmp_path: Path) -> None:
    script = shutil.copy(COMPOSE / "make-secrets.sh", tmp_path)
    subprocess.run([script], check=True)
    secrets = tmp_path / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o644}  # for the container
    password = (secrets / "database_password").read_text().strip()
    assert (secrets / "database_url").read_text() == f"postgres://keyhouse:{password}@database/keyhouse\n"
    done = subprocess.run([script], capture_output=True, text=True)
    assert done.returncode != 0 and "exists" in done.stderr
    assert (secrets / "database_password").read_text().strip() == password
