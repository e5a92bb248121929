"""Requests that schemathesis generates from the OpenAPI document, with each role and credential."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.profiles.loader import SHIPPED as PROFILES
from tests.config.profile_texts import SHIPPED
from tests.generated.running import ACCEPTED, ALL_PHASES, PYTHON, SETTINGS, Run, callers_of, run
from tests.installation import Installation, copy_of
from tests.leaks.github import Github, running

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="schemathesis is not installed: ./run install schemathesis"
    ),
]
FEW, MANY = 1, 10  # random requests to each operation
# Who sends what in each run of all tests: most requests are of the phase `coverage`.
SHORT_FORM = {"member, logged in": "examples,fuzzing", "admin, logged in": ALL_PHASES}
LIFETIMES = re.compile(
    r"^(access_token_seconds|session_idle_seconds|session_seconds) = [0-9_]+", re.MULTILINE
)
DAY = 86_400  # seconds
done: list[Run] = []


@contextmanager
def serving_profile(name: str, original: Installation, folder: Path) -> Iterator[Installation]:
    """An installation with nobody in it that serves this profile; logins in it last a day."""
    with copy_of(original, folder) as installation, running(Github()) as github:
        path = folder / f"{name}.toml"
        path.write_text(with_long_tokens((PROFILES / path.name).read_text()))
        installation.settings |= {**SETTINGS, "KEYHOUSE_PROFILE": str(path)}
        installation.settings["KEYHOUSE_GITHUB_KEYS_URL"] = github.url
        yield installation


def with_long_tokens(profile: str) -> str:
    """Let access tokens, which are made once for all runs of a profile, be good until the last of them."""
    changed, count = LIFETIMES.subn(rf"\1 = {DAY}", profile)
    assert count == 3
    return changed


@pytest.mark.slow
def test_the_lowest_and_the_highest_role_find_nothing_wrong(
    after_migration: Installation, tmp_path: Path
) -> None:
    with serving_profile("keyhouse", after_migration, tmp_path / "original") as original:
        callers = {each.name: each for each in callers_of(original, equal=30)}
        for name, phases in SHORT_FORM.items():
            _check(run(original, callers[name], tmp_path / name, examples=FEW, phases=phases))


@pytest.mark.soak
@pytest.mark.parametrize("name", SHIPPED)
def test_every_role_and_credential_finds_nothing_wrong(
    name: str, after_migration: Installation, tmp_path: Path
) -> None:
    with serving_profile(name, after_migration, tmp_path / "original") as original:
        runs = [
            run(original, each, tmp_path / each.name, examples=MANY)
            for each in callers_of(original, equal=40)
        ]
    done.extend(runs)
    print(*runs, sep="\n")
    for each in runs:
        _check(each)


@pytest.mark.soak
def test_every_accepted_failure_still_happens() -> None:
    if {each.profile for each in done} != set(SHIPPED):
        pytest.skip("only the runs of all profiles can tell")
    failures = [failure for each in done for failure in each.failures]
    assert [entry for entry in ACCEPTED if not any(map(entry.covers, failures))] == []


def _check(finished: Run) -> None:
    shown = "\n".join(map(str, finished.unexpected[:20]))
    assert not finished.unexpected, f"{finished}, {len(finished.unexpected)} of them not accepted:\n{shown}"
    assert finished.credentials_left, f"{finished}: requests ended all credentials of these callers"
    assert finished.was_let_in == finished.callers.are_let_in, f"{finished}: let in: {finished.was_let_in}"
