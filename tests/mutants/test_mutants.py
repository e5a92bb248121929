"""A mutant changes what everybody holds already, and is tried with the tests that reach it."""

from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from django.utils.functional import SimpleLazyObject

from tests.mutants.exchange import PROBE, changed_codes, exchange, functions_in, statement_at, with_probes
from tests.mutants.mutants import KILLED, OUTSIDE, SURVIVED, Mutant, Outcomes
from tests.mutants.tracing import Trace, within

pytestmark = pytest.mark.once

SOURCE = """LIMIT = 3
class Door:
    @property
    def is_open(self) -> bool:
        return self.people() < LIMIT

    def people(self) -> int:
        if LIMIT:
            return 2
        return 0
"""


@pytest.fixture
def module() -> ModuleType:
    module = ModuleType("doors")
    exec(compile(SOURCE, "doors.py", "exec"), module.__dict__)
    return module


def functions_of(module: ModuleType) -> list[FunctionType]:
    return [vars(module.Door)["is_open"].fget, module.Door.people]


def changed(module: ModuleType, source: str) -> bool:
    """Change the module's functions to those of another source; return whether any is another one."""
    codes = changed_codes(compile(SOURCE, "doors.py", "exec"), compile(source, "doors.py", "exec"))
    exchange(functions_of(module), codes)
    return bool(codes)


def test_a_mutant_changes_objects_that_exist(module: ModuleType) -> None:
    door = module.Door()
    assert door.is_open
    assert changed(module, "\n" + SOURCE.replace("<", ">"))
    assert not door.is_open


def test_functions_are_found_beside_lazy_objects_that_cannot_be_set_up(module: ModuleType) -> None:
    def fail() -> object:
        raise LookupError

    lazy = SimpleLazyObject(fail)
    assert set(functions_of(module)) <= set(functions_in({"doors.py"})["doors.py"])
    del lazy


def test_a_change_outside_of_functions_is_no_mutant_that_can_be_tried(module: ModuleType) -> None:
    assert not changed(module, SOURCE.replace("LIMIT = 3", "LIMIT = 4"))


def test_probes_name_the_statements_that_are_reached(module: ModuleType) -> None:
    reached: list[int] = []
    vars(module)[PROBE] = reached.append
    probed = compile(with_probes(SOURCE), "doors.py", "exec")
    exchange(functions_of(module), changed_codes(compile(SOURCE, "doors.py", "exec"), probed))
    assert module.Door().is_open
    assert reached == [5, 8, 9]


@pytest.mark.parametrize(("line", "statement"), [(1, None), (4, None), (5, 5), (8, 8), (10, 10)])
def test_a_change_belongs_to_the_innermost_statement(line: int, statement: int | None) -> None:
    assert statement_at(SOURCE, line, line) == statement


def test_a_mutant_is_tried_with_what_takes_so_long_together_and_with_one_test_at_least() -> None:
    traces = [Trace(name, "", True, seconds) for name, seconds in (("a", 0.4), ("b", 0.9), ("c", 0.5))]
    assert [each.test for each in within(traces, 1.0)] == ["a", "c"]
    assert [each.test for each in within(traces, 0.1)] == ["a"]


def test_a_run_keeps_what_came_of_each_mutant(tmp_path: Path) -> None:
    mutants = [Mutant("manage.py", 0, 1, text) for text in ("a\n", "b\n", "c\n")]
    outcomes = Outcomes(tmp_path / "outcomes.json")
    for mutant, outcome in zip(
        mutants, (f"{KILLED}: by a test", f"{SURVIVED}: 3 of 3 tests", OUTSIDE), strict=True
    ):
        outcomes.keep(mutant, outcome)
    outcomes.write()
    kept = Outcomes(tmp_path / "outcomes.json")
    assert kept.summary(mutants) == "| `manage.py` | 2 | 1 | 1 | 50 % |"
    assert mutants[0].lines == (1, 1) and mutants[0].source.startswith("a\n")
