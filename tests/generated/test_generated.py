"""Requests that schemathesis generates from the OpenAPI document, with each role and credential."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.config.profile_texts import SHIPPED
from tests.generated.running import ACCEPTED, PYTHON, SETTINGS, Run, callers_of, run
from tests.installation import Installation, copy_of

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="schemathesis is not installed: ./run install schemathesis"
    ),
]
FEW, MANY = 1, 40  # random requests to each operation
LOWEST_AND_HIGHEST = {"member, logged in", "admin, logged in"}
done: list[Run] = []


@contextmanager
def serving_profile(name: str, original: Installation, folder: Path) -> Iterator[Installation]:
    """An installation with nobody in it that serves this profile."""
    with copy_of(original, folder) as installation:
        installation.settings |= {**SETTINGS, "KEYHOUSE_PROFILE": name}
        yield installation


@pytest.mark.slow
def test_the_lowest_and_the_highest_role_find_nothing_wrong(
    after_migration: Installation, tmp_path: Path
) -> None:
    with serving_profile("keyhouse", after_migration, tmp_path / "original") as original:
        callers = [each for each in callers_of(original, equal=30) if each.name in LOWEST_AND_HIGHEST]
        assert len(callers) == len(LOWEST_AND_HIGHEST)
        for each in callers:
            _check(run(original, each, tmp_path / each.name, examples=FEW))


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
