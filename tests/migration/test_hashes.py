"""Keys of djangorestframework-api-key 2, of which there is only a password hash."""

from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from pytest_django.fixtures import Settings

from access.callers import caller_at_command_line
from apikeys.at_rest.digests import current_digest
from apikeys.imported import hashes
from apikeys.models import ApiKey, ImportedHash
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from config.limits import Bounds, Limit
from gateway import edge
from gateway.edge import UnreadKey, check_from_memory, check_together
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast, assert_problem
from tests.migration.systems import System, minted
from tests.migration.test_looking_up import head
from tests.migration.using import check, status

PACKAGE = "djangorestframework-api-key-2.3.0"
KEY = "8AkyZHml.ZFUjCSdslfBVn9NjsuEd9SBCr9Cxjk7A"
OPTIONS = ("--version-of-keys", "2", "--organization", "Acme")
HEADERS = {"Authorization": f"Api-Key {KEY}"}


@pytest.fixture
def exported(tmp_path: Path) -> str:
    """A file with a key whose hash takes little time."""
    path = tmp_path / "keys.csv"
    path.write_text(f"digest,prefix,name\n{quick(KEY)},{KEY[:8]},one\n")
    return str(path)


def quick(text: str) -> str:
    return PBKDF2PasswordHasher().encode(text, "salt", 1)


@pytest.fixture
def imported(cast: Cast, exported: str, scopes: str) -> str:
    assert run("importkeys", "--from", "drf-api-key", exported, *OPTIONS, "--scopes", scopes)["imported"] == 1
    return exported


def with_secret(text: str) -> dict[str, str]:
    """The header with the prefix of KEY and another secret."""
    return {"Authorization": f"Api-Key {KEY[:8]}.{text}"}


@pytest.mark.requirement(140)
def test_a_key_that_the_package_minted_works_unchanged_and_is_hashed_once(
    cast: Cast, tmp_path: Path, scopes: str
) -> None:
    source: System = minted(PACKAGE, tmp_path)
    run("importkeys", "--from", "drf-api-key", source.url, *OPTIONS, "--scopes", scopes)
    assert ImportedHash.objects.count() == 2
    assert [status(headers) for headers in source.headers] == [200, 200]
    assert not ImportedHash.objects.exists()
    for headers, text in zip(source.headers, source.texts, strict=True):
        assert ApiKey.objects.get(digest=current_digest(text).digest).unused_until is None
        assert status(headers) == 200


def test_it_must_be_asked_for_and_is_warned_of(
    cast: Cast, exported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = refusal_of("importkeys", "--from", "drf-api-key", exported, "--organization", "Acme")
    assert "--version-of-keys 2 imports them as they are" in refusal
    output_of("importkeys", "--from", "drf-api-key", exported, *OPTIONS, "--dry-run")
    assert "warning: a server hashes each of these keys at its first use" in capsys.readouterr().err


@pytest.mark.requirement(141)
def test_a_prefix_is_no_key(imported: str) -> None:
    assert status(with_secret("A" * 32)) == 401
    assert Event.objects.get(name="api_key:refused").detail == {"reason": "unknown"}
    assert status({"Authorization": f"Bearer {KEY}"}) == 401
    assert ImportedHash.objects.exists() and status(HEADERS) == 200
    assert status(with_secret("A" * 32)) == 401


@pytest.mark.requirement(141)
def test_attempts_with_a_known_prefix_are_limited(imported: str, settings: Settings) -> None:
    settings.LIMITS = settings.LIMITS | {Limit.IMPORTED_KEY: Bounds(900, here=2)}
    assert [status(with_secret(letter * 32)) for letter in "ABC"] == [401, 401, 429]
    assert status(HEADERS) == 429


@pytest.mark.requirement(141)
def test_while_a_key_is_hashed_others_are_told_to_come_back(imported: str) -> None:
    with hashes._turns:
        answer = check(HEADERS)
    assert_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert status(HEADERS) == 200


@pytest.mark.requirement(141)
def test_checks_that_are_read_together_hash_nothing(imported: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "renew_connection", lambda: None)  # as in Django's Client
    asked = check_from_memory(head(HEADERS))
    assert isinstance(asked, UnreadKey)
    assert check_together([asked]) == [None]  # left to a thread
    assert ImportedHash.objects.exists()


@pytest.mark.requirement(142)
def test_a_key_that_the_package_has_hashed_anew_is_not_imported_twice(
    imported: str, cast: Cast, scopes: str
) -> None:
    assert status(HEADERS) == 200
    revoke_api_keys(caller=caller_at_command_line(), selected=ApiKey.objects.all())
    Path(imported).write_text(f"digest,prefix,name\nsha512$${'ab' * 64},{KEY[:8]},one\n")
    options = ("--organization", "Acme", "--scopes", scopes, "--name", "newer")
    again = run("importkeys", "--from", "drf-api-key", imported, *options)
    assert (again["imported"], again["already_here"]) == (0, 1)
    assert status(HEADERS) == 401


@pytest.mark.parametrize(
    "digest", ["pbkdf2_sha256$9000000$a$" + "A" * 43 + "=", "bcrypt$x", "sha512$$" + "ab" * 64]
)
def test_other_hashes_are_refused(cast: Cast, tmp_path: Path, digest: str) -> None:
    path = tmp_path / "keys.csv"
    path.write_text(f"digest,prefix\n{digest},{KEY[:8]}\n")
    refusal = refusal_of("importkeys", "--from", "drf-api-key", str(path), *OPTIONS)
    assert "digest must begin with pbkdf2_sha256$; others are imported with --version-of-keys 3" in refusal
