"""Changes functions that other modules already hold: they get other code and stay the same objects.

Code outside of functions has run when the process is warm, so its mutants cannot be tried in this way.
"""

import ast
import gc
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import _lru_cache_wrapper
from types import CodeType, FunctionType

PROBE = "__passed__"

Functions = Mapping[str, list[FunctionType]]  # by the file that they come from
Caches = Sequence["_lru_cache_wrapper[object]"]


def functions_in(files: set[str]) -> Functions:
    """Return every function of these files that exists now, also those that a decorator holds, by file."""
    found: dict[str, list[FunctionType]] = {file: [] for file in files}
    gc.unfreeze()  # what is frozen is not listed
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename in files:
            found[each.__code__.co_filename].append(each)
    gc.freeze()
    return found


def caches_of(packages: tuple[str, ...]) -> Caches:
    """Return the caches of functions in these packages: they may hold what unchanged functions returned."""
    gc.unfreeze()
    found = [each for each in gc.get_objects() if type(each) is _lru_cache_wrapper]
    gc.freeze()
    return [each for each in found if getattr(each, "__module__", "").startswith(packages)]


def changed_codes(original: CodeType, mutated: CodeType) -> dict[CodeType, CodeType]:
    """Return what replaces each function's code that changed; empty if code outside of functions changed."""
    others = dict(_named(mutated))
    return {code: others[name] for name, code in _named(original) if name in others and others[name] != code}


def _named(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    """Yield the code of all functions, named by what stays the same when lines move."""
    seen: Counter[str] = Counter()
    for each in _below(code):
        seen[each.co_qualname] += 1
        if each.co_flags & inspect.CO_OPTIMIZED:  # a function, not the body of a class
            yield (each.co_qualname, seen[each.co_qualname]), each


def _below(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _below(each)


def exchange(functions: list[FunctionType], codes: Mapping[CodeType, CodeType]) -> None:
    """Give each of these functions the code that replaces its own, if there is any."""
    for function in functions:
        function.__code__ = codes.get(function.__code__, function.__code__)


def with_probes(source: str) -> ast.Module:
    """Return a module in which every statement of a function says first that it is reached, by its line."""
    tree = ast.parse(source)
    for block in _blocks(tree):
        block[:] = [each for statement in block for each in (_probe(statement), statement)]
    return ast.fix_missing_locations(tree)


def _blocks(tree: ast.Module) -> list[list[ast.stmt]]:
    """Return the lists of statements inside functions, each once."""
    found = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                for name in ("body", "orelse", "finalbody"):
                    block = getattr(node, name, None)
                    if isinstance(block, list) and block:
                        found[id(block)] = block
    return list(found.values())


def _probe(statement: ast.stmt) -> ast.stmt:
    call = ast.Call(ast.Name(PROBE, ast.Load()), [ast.Constant(statement.lineno)], [])
    return ast.copy_location(ast.Expr(call), statement)


def statement_at(source: str, first: int, last: int) -> int | None:
    """Return the line of the innermost statement of a function around these lines, or None outside of all."""
    around = [
        statement
        for block in _blocks(ast.parse(source))
        for statement in block
        if statement.lineno <= first and last <= (statement.end_lineno or 0)
    ]
    return max((statement.lineno for statement in around), default=None)
