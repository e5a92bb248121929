"""No test falls between the tiers and the parts of ./run test: pytest collects some folders in each way."""

from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.__main__ import PARTS, SHARES, Part
from tests.installation import PROJECT
from tests.running import taking

pytestmark = [pytest.mark.once, pytest.mark.slow]

FOLDERS = "tests/commands/start tests/audit tests/config/database tests/accounts/second_factor tests/running"
BROWSER = ("-o", "testpaths=tests/browser tests/commands/start")
SEVERAL = "::test_a_wrong_code_gets_the_answer_of_a_wrong_password["
WHOLE = Part("", "all of it")


class Seen:
    """A plugin that writes down what pytest has collected."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items
        self.tests = frozenset(item.nodeid for item in session.items)


def collected(part: Part, *arguments: str) -> frozenset[str]:
    """The tests of FOLDERS that a part of a run would have."""
    return collect(part, *arguments).tests


@cache
def collect(part: Part, *arguments: str) -> Seen:
    seen = Seen()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setenv("KEYHOUSE_TEST_VENDOR", part.vendor)
        pytest.main(["--collect-only", "-qq", "-o", f"testpaths={FOLDERS}", *arguments], plugins=[seen])
    return seen


@pytest.mark.parametrize(
    ("tier", "parts"),
    [((), PARTS), (("--all",), PARTS), (("--soak",), PARTS)],
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
    having = [part for part in PARTS if any("test_tiers.py" in test for test in collected(part, "--all"))]
    assert len(having) == 1


def test_parameters_are_dealt_out_to_the_databases_and_their_function_runs_on_both() -> None:
    shares = [collected(part, "--all") for part in PARTS]
    one, other = ({test.partition("[")[0] for test in share if SEVERAL in test} for share in shares)
    assert one == other and one
    assert not any(SEVERAL in test for test in frozenset.intersection(*shares))


def test_what_starts_processes_or_commits_runs_on_both_databases() -> None:
    shares = [collected(part, "--all") for part in PARTS]
    twice, once = frozenset.intersection(*shares), frozenset.symmetric_difference(*shares)
    assert any("test_the_first_start_takes_the_administrator" in test for test in twice)
    assert any("test_a_refusal_that_could_not_be_recorded" in test for test in twice)
    assert any("test_the_seed_is_never_shown_again" in test for test in once)


def test_what_two_processes_take_is_together_everything_and_nothing_twice(tmp_path: Path) -> None:
    items = collect(PARTS[1], "--all").items
    one, other = taking.taken(items, tmp_path), taking.taken(items, tmp_path)
    steps = list(zip_longest(one, other))
    shares = [[test.nodeid for test in share if test] for share in zip(*steps, strict=True)]
    assert all(shares)
    assert sorted([*shares[0], *shares[1]]) == sorted(test.nodeid for test in items)


def test_tests_with_a_browser_come_first_and_one_process_takes_them(tmp_path: Path) -> None:
    items = collect(PARTS[1], "--all", *BROWSER).items
    with_browser = [test.nodeid for test in items if taking.has_browser(test)]
    assert len({test.partition("::")[0] for test in with_browser}) > 1 and len(with_browser) < len(items)
    assert [test.nodeid for test in items[: len(with_browser)]] == with_browser
    first, other = taking.taken(items, tmp_path), taking.taken(items, tmp_path)
    assert next(first).nodeid == with_browser[0]
    assert not taking.has_browser(next(other))


def test_the_tests_of_a_database_are_shared_by_three_processes() -> None:
    assert [part.vendor for part in SHARES] == [part.vendor for part in PARTS for _ in range(3)]


def test_a_word_finds_the_tests_whose_names_have_it_in_files_that_contain_it() -> None:
    every = {
        test for test in collected(WHOLE, "--all") if "an_empty_chain_verifies" in test.rpartition("::")[2]
    }
    assert every and collected(WHOLE, "-k", "an_empty_chain_verifies") == every
