"""No test falls between the tiers and the halves of ./run test: pytest collects some folders in each way."""

import os
import subprocess
import sys

import pytest

from tests.installation import PROJECT

pytestmark = [pytest.mark.once, pytest.mark.slow]

FOLDERS = "tests/commands/start tests/gateway tests/audit tests/config/database tests/running"
ADDOPTS = "-p tests.running.plugin -p tests.running.tiers -p tests.installation --collect-only -qq"


def collected(vendor: str, *arguments: str) -> set[str]:
    """The tests of FOLDERS that a run would have."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEYHOUSE_")}
    command = [sys.executable, "-m", "pytest", "-o", f"testpaths={FOLDERS}", "-o", f"addopts={ADDOPTS}"]
    done = subprocess.run(
        [*command, "--verbosity=-1", *arguments],
        env=environment | {"KEYHOUSE_TEST_VENDOR": vendor},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    return {line for line in done.stdout.splitlines() if "::" in line}


@pytest.mark.parametrize("tier", [(), ("--all",), ("--soak",)], ids=["fast", "all", "soak"])
def test_the_halves_have_together_what_a_run_without_halves_has(tier: tuple[str, ...]) -> None:
    whole = collected("", *tier)
    assert whole
    assert collected("sqlite", *tier) | collected("postgresql", *tier) == whole


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
    twice = collected("sqlite", "--all") & collected("postgresql", "--all")
    assert not any("tests/gateway/test_routes.py" in test for test in twice)


def test_a_word_finds_the_tests_whose_names_have_it_in_files_that_contain_it() -> None:
    every = {test for test in collected("", "--all") if "an_empty_chain_verifies" in test.rpartition("::")[2]}
    assert every and collected("", "-k", "an_empty_chain_verifies") == every
