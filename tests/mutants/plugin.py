"""Loaded by pytest: collects all tests once, and tries each mutant in a fork of the warm process.

A first fork runs all tests with probes in the mutated modules, and so tells which test reaches which
statement. A mutant is then tried with the tests that reach its statement.
"""

import json
import os
from itertools import groupby
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from django.db import connections

from tests.installation import PROJECT
from tests.mutants.exchange import caches_of, changed_codes, exchange, functions_in, statement_at
from tests.mutants.forking import NoAnswer, in_fork
from tests.mutants.mutants import (
    AGAIN,
    FOLDER,
    KILLED,
    MODULES,
    OUTSIDE,
    SECONDS,
    SURVIVED,
    TOO_LONG,
    UNREACHED,
    Mutant,
    Outcomes,
)
from tests.mutants.tracing import Traces, within
from tests.running.tiers import INSTALLATIONS

OURS = (
    *("config", "audit", "access", "accounts", "federation", "oauth", "apikeys", "leaks", "migration"),
    *("provisioning", "webhooks", "gateway", "console"),
)
SPARE_SECONDS = 5.0  # of a mutant, beyond three times what its tests take without it

hypothesis.settings.register_profile(
    "mutants",
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # nobody reads the smallest example
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes seconds, and what starts processes, which mutants do not reach."""
    items[:] = [item for item in items if not _is_slow(item)]


def _is_slow(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("slow", "soak"))
    return marked or not INSTALLATIONS.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    changes = json.loads((FOLDER / "changes.json").read_text())
    mutants = [Mutant(path, *change) for path, found in changes.items() for change in found]
    _warm(session)
    Trial(session, mutants).run()
    return True


def _warm(session: pytest.Session) -> None:
    """Set up what lasts for the session, and import what requests import late."""
    item = next(item for item in session.items if "cast" in getattr(item, "fixturenames", ()))
    following: Any = session  # nothing follows, but what lasts for the session stays
    for _ in range(3):  # tests.snapshot writes the cast in a faster way each time
        assert all(report.passed for report in runtestprotocol(item, log=False, nextitem=following))
    connections.close_all()


def first_failure(tests: list[pytest.Item]) -> str | None:
    """Run tests and return the id of the first that fails; None if all pass."""
    for test, following in zip(tests, [*tests[1:], None], strict=True):
        if any(report.failed for report in runtestprotocol(test, log=False, nextitem=following)):
            return test.nodeid
    return None


class Trial:
    """Tries mutants with the tests of a session."""

    def __init__(self, session: pytest.Session, mutants: list[Mutant]) -> None:
        self.mutants, self.outcomes = mutants, Outcomes()
        self.again, self.seconds = os.environ[AGAIN] == "1", float(os.environ[SECONDS])
        self.tests = {item.nodeid: item for item in session.items}
        self.functions = functions_in(
            {str(PROJECT / path) for path in {*MODULES, *(each.path for each in mutants)}}
        )
        self.caches = caches_of(OURS)
        self.traces = Traces(session.items, self.functions, self.caches)
        self.sound: dict[str, bool] = {}  # by test: whether it passes alone without a mutant

    def run(self) -> None:
        for path, group in groupby(self.mutants, key=lambda mutant: mutant.path):
            mutants = list(group)
            for mutant in mutants:
                if self._is_due(mutant):
                    self.outcomes.keep(mutant, self.outcome(mutant))
                    self.outcomes.write()
            print(f"\n{path}")
            for mutant in mutants:
                outcome = self.outcomes.of(mutant) or ""
                if outcome.startswith((SURVIVED, UNREACHED)):
                    print(f"\n{outcome}\n{mutant.difference}")
            print(self.outcomes.summary(mutants), flush=True)

    def _is_due(self, mutant: Mutant) -> bool:
        outcome = self.outcomes.of(mutant)
        return outcome is None or (self.again and outcome.startswith((SURVIVED, UNREACHED)))

    def outcome(self, mutant: Mutant) -> str:
        """Return what comes of a mutant: killed by which test, or survived how many of the tests."""
        line = statement_at(mutant.original, *mutant.lines)
        file = str(PROJECT / mutant.path)
        original, mutated = (compile(text, file, "exec") for text in (mutant.original, mutant.source))
        codes = changed_codes(original, mutated)
        if line is None or not codes:
            return OUTSIDE
        reaching = self.traces.reaching(mutant.path, line)
        chosen = within(reaching, self.seconds)
        if not chosen:
            return UNREACHED
        seconds = SPARE_SECONDS + 3 * sum(each.seconds for each in chosen)
        tests = [self.tests[each.test] for each in chosen]

        def work() -> str | None:
            exchange(self.functions[file], codes)
            for cache in self.caches:
                cache.cache_clear()
            return first_failure(tests)

        while tests:
            try:
                killer = in_fork(work, seconds)
            except NoAnswer as error:
                return f"{TOO_LONG}: {error}"
            if killer is None:
                return f"{SURVIVED}: {len(tests)} of {len(reaching)} tests"
            if self._is_sound(killer):
                return f"{KILLED}: {killer}"
            tests[:] = [test for test in tests if test.nodeid != killer]
        return UNREACHED

    def _is_sound(self, test: str) -> bool:
        if test not in self.sound:
            try:
                self.sound[test] = in_fork(lambda: first_failure([self.tests[test]]), 60) is None
            except NoAnswer:
                self.sound[test] = False
        return self.sound[test]
