"""Errors that pages show can be translated: their text is a constant, or a Sentence with values."""

import ast
from collections.abc import Iterator

import pytest

from tests.translation.marked import ERRORS, FOLDERS, NO_PAGES, PROJECT

pytestmark = pytest.mark.once

FILES = [
    path
    for folder in FOLDERS
    for path in sorted((PROJECT / folder).rglob("*.py"))
    if not set(NO_PAGES) & set(path.relative_to(PROJECT).parts)
]
# Parameters and variables that hold a text which is checked where it is made.
PASSED_ON = {"message", "otherwise", "fault", "may_manage", "reason"}
# Also checked there.
MADE_ELSEWHERE = {"str(error)", "error.detail", "' '.join(error.messages)", "*error.errors.values()"}


def texts(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    """Yield the text of each error of the module, with the function that has it."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    position = ERRORS.get(name, len(node.args))
                    if position < len(node.args):
                        yield node.args[position], function


def can_be_translated(text: ast.expr, function: ast.AST, constants: set[str]) -> bool:
    if isinstance(text, ast.Constant):
        return True
    if isinstance(text, ast.Call) and getattr(text.func, "id", "") == "Sentence":
        return isinstance(text.args[0], ast.Constant)
    if isinstance(text, ast.Name) and text.id not in PASSED_ON | constants:
        made = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == text.id
        ]
        return bool(made) and all(can_be_translated(value, function, constants) for value in made)
    return isinstance(text, ast.Name) or ast.unparse(text) in MADE_ELSEWHERE


def constants() -> set[str]:
    """Return the names of constants with a marked text."""
    files = [*FILES, *sorted((PROJECT / "config").rglob("*.py"))]
    return {
        ast.unparse(node.targets[0])
        for path in files
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith(("gettext_noop(", "_("))
    }


def faults(source: str, known: set[str]) -> list[str]:
    found = texts(ast.parse(source))
    return [ast.unparse(text) for text, where in found if not can_be_translated(text, where, known)]


def test_every_error_that_a_page_shows_can_be_translated() -> None:
    known = constants()
    assert len(FILES) > 100 and len(known) > 10
    wrong = {str(path.relative_to(PROJECT)): faults(path.read_text("utf-8"), known) for path in FILES}
    assert {path: texts for path, texts in wrong.items() if texts} == {}


@pytest.mark.parametrize(
    "source",
    [
        'raise Invalid("name", f"{name} is taken")',
        'raise Conflict("name", "%s is taken" % name)',
        'raise NotAllowed("You may not " + what)',
        'words = f"not {what}"; raise NotFound(words)',
        'caller.principal.require(may, f"not {what}")',
        "raise NotFound(UNMARKED)",
        'raise Invalid("name", Sentence(template, name=name))',
    ],
)
def test_an_error_that_cannot_be_translated_is_found(source: str) -> None:
    assert faults(f"def service(): {source}", constants())
