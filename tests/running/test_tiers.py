"""No test falls between the tiers and the parts of ./run test: pytest collects some folders in each way."""

from functools import cache
from itertools import product

import pytest

from tests.__main__ import PARTS, SHARES, Part
from tests.installation import PROJECT

pytestmark = [pytest.mark.once, pytest.mark.slow]

FOLDERS = "tests/commands/start tests/audit tests/config/database tests/accounts/second_factor tests/running"
WHOLE = Part("", "all of it")


class Seen:
    """A plugin that writes down what pytest has collected."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tests = frozenset(item.nodeid for item in session.items)


@cache
def collected(part: Part, *arguments: str) -> frozenset[str]:
    """The tests of FOLDERS that a part of a run would have."""
    seen = Seen()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setenv("KEYHOUSE_TEST_VENDOR", part.vendor)
        patch.setenv("KEYHOUSE_TEST_SHARE", part.share)
        pytest.main(["--collect-only", "-qq", "-o", f"testpaths={FOLDERS}", *arguments], plugins=[seen])
    return seen.tests


@pytest.mark.parametrize(
    ("tier", "parts"),
    [((), PARTS), (("--all",), SHARES), (("--soak",), PARTS)],
    ids=["fast", "all", "soak"],
)
def test_the_parts_have_together_what_a_run_without_parts_has(
    tier: tuple[str, ...], parts: list[Part]
) -> None:
    whole = collected(WHOLE, *tier)
    assert whole
    assert frozenset[str]().union(*(collected(part, *tier) for part in parts)) == whole


def test_each_tier_has_what_its_marks_say() -> None:
    fast, everything = collected(WHOLE), collected(WHOLE, "--all")
    assert fast < everything
    starts = "tests/commands/start/test_setup.py::"
    assert f"{starts}test_the_first_start_takes_the_administrator_from_the_environment" in fast
    assert f"{starts}test_a_later_start_changes_nothing" in everything - fast
    assert not any("test_dead_connections" in test for test in fast)


def test_what_commits_runs_on_both_databases_in_the_fast_tier_too() -> None:
    twice = frozenset[str].intersection(*map(collected, PARTS))
    assert any("test_a_refusal_that_could_not_be_recorded" in test for test in twice)  # transactional_db
    assert any("test_database.py" in test for test in twice)  # is marked `databases`


def test_what_knows_no_database_runs_once() -> None:
    having = [part for part in SHARES if any("test_tiers.py" in test for test in collected(part, "--all"))]
    assert len(having) == 1


def test_no_test_runs_in_two_shares() -> None:
    for one, other in product(SHARES, SHARES):
        if one != other and one.vendor == other.vendor:
            assert collected(one, "--all").isdisjoint(collected(other, "--all"))
            assert collected(one, "--all")


def test_a_word_finds_the_tests_whose_names_have_it_in_files_that_contain_it() -> None:
    every = {
        test for test in collected(WHOLE, "--all") if "an_empty_chain_verifies" in test.rpartition("::")[2]
    }
    assert every and collected(WHOLE, "-k", "an_empty_chain_verifies") == every
