"""The texts that are marked for translation, in the code and in the templates."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from django.template import Template
from django.template.base import Node, Token
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

PROJECT = Path(__file__).parents[2]
FOLDERS = (
    *(
        "config",
        "audit",
        "access",
        "accounts",
        "federation",
        "oauth",
        "apikeys",
        "leaks",
        "webhooks",
        "gateway",
    ),
    "console",
)
NO_PAGES = ("config", "gateway", "management")  # folders whose errors no page shows
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "Sentence"}
ERRORS = {  # and the position of their text, which pages translate
    **dict.fromkeys(("NotAllowed", "NotFound", "InvalidCredentials", "WrongProof", "Busy", "Unmailable"), 0),
    **dict.fromkeys(("PasskeyRefused", "ProviderFault", "RefusedByProvider"), 0),
    **dict.fromkeys(("Invalid", "Conflict", "require", "refusal", "check_is_person"), 1),
}
ONE_OR_MANY = ("ngettext", "ngettext_lazy")
IN_ARGUMENT = re.compile(r'_\("([^"]+)"\)')  # as in {% include "form.html" with button=_("Confirm") %}


class Marked(NamedTuple):
    """A text; `many` is its plural, if it has one."""

    one: str
    many: str = ""


def marked() -> set[Marked]:
    """Return every text that is marked in our code and our templates."""
    files = [path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*.py"))]
    templates = sorted((PROJECT / "templates").rglob("*.*"))
    return {each for path in files for each in in_code(path)} | {
        each for path in templates for each in in_template(path)
    }


def in_code(path: Path) -> Iterator[Marked]:
    positions = dict.fromkeys(MARKS, 0) | (
        {} if set(NO_PAGES) & set(path.relative_to(PROJECT).parts) else ERRORS
    )
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield from _in_call(node, positions)


def _in_call(call: ast.Call, positions: Mapping[str, int]) -> Iterator[Marked]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    texts = [each.value if isinstance(each, ast.Constant) else None for each in call.args]
    if name in ONE_OR_MANY and isinstance(texts[0], str) and isinstance(texts[1], str):
        yield Marked(texts[0], texts[1])
    position = positions.get(name, len(texts))
    text = texts[position] if position < len(texts) else None
    if isinstance(text, str) and text:
        yield Marked(text)


def in_template(path: Path) -> Iterator[Marked]:
    template: Template = get_template(str(path.relative_to(PROJECT / "templates"))).template  # type: ignore[attr-defined]
    yield from map(Marked, IN_ARGUMENT.findall(template.source))
    for node in template.nodelist.get_nodes_by_type(Node):
        if isinstance(node, TranslateNode) and node.filter_expression.var.literal is not None:
            yield Marked(str(node.filter_expression.var.literal))
        elif isinstance(node, BlockTranslateNode):
            yield Marked(*(_text(node, each) for each in (node.singular, node.plural) if each))


def _text(node: BlockTranslateNode, tokens: list[Token]) -> str:
    text, _names = node.render_token_list(tokens)
    return text
