"""No test falls between the tiers and the parts of ./run test: pytest collects some folders in each way."""

import os
import subprocess
import sys
from functools import cache

import pytest

from tests.installation import PROJECT

pytestmark = [pytest.mark.once, pytest.mark.slow]

DATABASES = ("postgresql", "sqlite")
FOLDERS = "tests/commands/start tests/audit tests/config/database tests/accounts/second_factor tests/running"
ADDOPTS = "-p tests.running.plugin -p tests.running.tiers -p tests.installation --collect-only -qq"


@cache
def collected(part: str, *arguments: str) -> frozenset[str]:
    """The tests of FOLDERS that a part of a run would have, or a run that has no parts."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEYHOUSE_")}
    command = [sys.executable, "-m", "pytest", "-o", f"testpaths={FOLDERS}", "-o", f"addopts={ADDOPTS}"]
    done = subprocess.run(
        [*command, "--verbosity=-1", *arguments],
        env=environment | {"KEYHOUSE_TEST_PART": part},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    return frozenset(line for line in done.stdout.splitlines() if "::" in line)


@pytest.mark.parametrize(
    ("tier", "parts"),
    [((), DATABASES), (("--all",), (*DATABASES, "once")), (("--soak",), DATABASES)],
    ids=["fast", "all", "soak"],
)
def test_the_parts_have_together_what_a_run_without_parts_has(
    tier: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    whole = collected("", *tier)
    assert whole
    assert frozenset[str]().union(*(collected(part, *tier) for part in parts)) == whole


def test_each_tier_has_what_its_marks_say() -> None:
    fast, everything = collected(""), collected("", "--all")
    assert fast < everything
    starts = "tests/commands/start/test_setup.py::"
    assert f"{starts}test_the_first_start_takes_the_administrator_from_the_environment" in fast
    assert f"{starts}test_a_later_start_changes_nothing" in everything - fast
    assert not any("test_dead_connections" in test for test in fast)


def test_what_commits_runs_on_both_databases_in_the_fast_tier_too() -> None:
    twice = collected("sqlite") & collected("postgresql")
    assert any("test_a_refusal_that_could_not_be_recorded" in test for test in twice)  # transactional_db
    assert any("test_database.py" in test for test in twice)  # is marked `databases`


def test_what_knows_no_database_runs_once() -> None:
    parts = {part: collected(part, "--all") for part in (*DATABASES, "once")}
    having = {part for part, tests in parts.items() if any("running/test_tiers.py" in test for test in tests)}
    assert having == {"once"}


def test_a_word_finds_the_tests_whose_names_have_it_in_files_that_contain_it() -> None:
    every = {test for test in collected("", "--all") if "an_empty_chain_verifies" in test.rpartition("::")[2]}
    assert every and collected("", "-k", "an_empty_chain_verifies") == every
