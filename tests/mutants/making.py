"""Makes the mutants of a module and prints them as JSON: python making.py FILE. Runs in .venv-mutants.

The changes are those of mutmut, and three of cosmic-ray that mutmut does not make: a condition negated, an
`except` that catches nothing, and a loop without rounds.
"""

import ast
import json
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import libcst
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.boolean_replacer import AddNot
from cosmic_ray.operators.exception_replacer import ExceptionReplacer
from cosmic_ray.operators.zero_iteration_for_loop import ZeroIterationForLoop
from mutmut.mutation.mutators import mutation_operators

OF_COSMIC_RAY = (AddNot, ExceptionReplacer, ZeroIterationForLoop)


class Change(NamedTuple):
    """The lines from `start` to before `end`, counted from 0, become `text`."""

    start: int
    end: int
    text: str


def changes(source: str) -> Iterator[Change]:
    """Yield every mutant of a module, without those that mean the same as another or as the original."""
    module = libcst.parse_module(source)
    start = len(module.header)
    for statement in module.body:
        text = module.code_for_node(statement)
        end = start + len(text.splitlines())
        seen = {ast.dump(ast.parse(text))}
        for changed in (*_by_mutmut(module, statement), *_by_cosmic_ray(text)):
            meaning = _meaning(changed)
            if meaning is not None and meaning not in seen:
                seen.add(meaning)
                yield Change(start, end, changed)
        start = end


def _meaning(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:
        return None


def _by_mutmut(module: libcst.Module, statement: libcst.CSTNode) -> Iterator[str]:
    for node in _nodes(statement):
        for kind, operator in mutation_operators:
            found = operator(node) if isinstance(node, kind) else ()
            for changed in islice(found, 1) if kind is libcst.BaseString else found:  # not upper, not lower
                yield module.code_for_node(statement.deep_replace(node, changed))


def _nodes(node: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    """Yield a node and those below it, but nothing in annotations and decorators, and no texts for people."""
    if isinstance(node, libcst.Annotation | libcst.Decorator) or _is_text(node):
        return
    if not isinstance(node, libcst.Call) or not any(_is_text(argument.value) for argument in node.args):
        yield node
    for child in node.children:
        yield from _nodes(child)


def _is_text(node: libcst.CSTNode) -> bool:
    """Whether a node is a text for people: nothing depends on its words."""
    if isinstance(node, libcst.FormattedString):
        return any(isinstance(part, libcst.FormattedStringText) and " " in part.value for part in node.parts)
    return isinstance(node, libcst.SimpleString) and " " in node.value


def _by_cosmic_ray(text: str) -> Iterator[str]:
    for operator in OF_COSMIC_RAY:
        for occurrence in count():
            try:
                changed = mutate_code(text, operator(), occurrence)
            except AttributeError:  # ExceptionReplacer knows no dotted names
                continue
            if changed is None:
                break
            yield changed


if __name__ == "__main__":
    json.dump(list(changes(Path(sys.argv[1]).read_text())), sys.stdout)
