"""CHECKLIST 89: a server with unsafe settings does not start."""

import secrets
from pathlib import Path

import pytest
from django.test import override_settings

from config.checks import check_production, is_weak, production_faults
from tests.commands.helpers import assert_one_line, refusal_of
from tests.config.reading import read_settings
from tests.installation import Installation, free_port

pytestmark = pytest.mark.once

ANOTHER_MACHINE = "192.0.2.1:8000"  # no server can bind to it, in case no check refuses first (RFC 5737)

STRONG = secrets.token_urlsafe(48)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret",
        "x" * 31,
        "a" * 100,
        "ab" * 50,
        "changeme" * 10,
        "password1" * 12,
        "1234567890" * 10,
        "django-insecure-" + STRONG,
        STRONG[:31],
    ],
)
@pytest.mark.requirement(89)
def test_a_weak_secret_is_known(key: str) -> None:
    assert is_weak(key)


@pytest.mark.parametrize(
    "key", [STRONG, secrets.token_hex(32), secrets.token_hex(64), secrets.token_urlsafe(32)]
)
def test_a_random_secret_is_strong(key: str) -> None:
    assert not is_weak(key)


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("SECRET_KEY", "changeme" * 10, "keyhouse.E003"),
        ("DEBUG", True, "keyhouse.E002"),
        ("ALLOWED_HOSTS", ["example.org", "*"], "keyhouse.E004"),
        ("ALLOWED_HOSTS", [".*"], "keyhouse.E004"),
    ],
)
@pytest.mark.requirement(89)
def test_each_fault_has_an_id_and_a_hint(setting: str, value: object, fault: str) -> None:
    with override_settings(**{setting: value}):
        (found,) = production_faults()
    assert found.id == fault
    assert found.hint


def test_the_settings_of_the_tests_have_no_fault() -> None:
    assert production_faults() == []


def test_development_may_be_weak() -> None:
    with override_settings(DEBUG=True, SECRET_KEY="weak"):
        assert check_production(None) == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DEBUG", "true", "(keyhouse.E002) DEBUG is on."),
        ("ALLOWED_HOSTS", "keys.example.org,*", "(keyhouse.E004) ALLOWED_HOSTS contains *."),
    ],
)
@pytest.mark.requirement(89)
def test_the_server_does_not_start_and_says_why(tmp_path: Path, name: str, value: str, reason: str) -> None:
    read = read_settings(tmp_path, **{name: value})
    with override_settings(**{name: read[name]}):
        said = refusal_of("serve", "--bind", ANOTHER_MACHINE)
    assert said.startswith(reason) and said.isprintable()


@pytest.mark.requirement(89)
def test_a_server_with_a_weak_secret_does_not_start_and_does_not_repeat_it(tmp_path: Path) -> None:
    weak = Installation(tmp_path, "", {"SECRET_KEY": "changeme" * 10})
    done = weak.manage("serve", "--bind", f"127.0.0.1:{free_port()}")
    assert_one_line(done, "(keyhouse.E003) SECRET_KEY is too weak.")
    assert "changeme" not in done.stderr


@pytest.mark.requirement(89)
def test_a_profile_with_unknown_names_does_not_start(installation: Installation) -> None:
    from tests.config.profile_texts import GOOD

    path = installation.folder / "bad.toml"
    path.write_text(f'{GOOD}[wire]\nnames.expiry = "expires"\n')
    done = installation.manage("serve", "--bind", f"127.0.0.1:{free_port()}", KEYHOUSE_PROFILE=str(path))
    assert done.returncode != 0
    reason = "wire.names.expiry: is not a member of any resource. Correct"
    assert f"(keyhouse.E005) profile {path}: {reason}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_check_deploy_is_clean_for_an_https_installation(bare_installation: Installation) -> None:
    https = {"KEYHOUSE_PUBLIC_URL": "https://keys.example.org"}
    done = bare_installation.manage("check", "--deploy", "--fail-level", "WARNING", **https)
    assert (done.returncode, "no issues" in done.stdout + done.stderr) == (0, True), done.stderr
