"""Compiles the profile's route table and finds the row for a request. Independent of Django.

A word is more specific than a parameter, and a parameter more than the rest (`**`). Where a word could stand,
a variant of its spelling is refused, because some services treat both as the same. Rows that match the same
requests do not get this far: the profile loader refuses them.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from config.profiles.paths import PARAMETER, REST, shape
from config.profiles.schema import Route
from gateway.paths import RefusedPath


@dataclass(slots=True)
class Node:
    """A node in the tree of segments: the nodes below it, and the rows that end here, by method.

    `words` are the words that can follow, folded, each with a trailing dot.
    """

    following: dict[str, "Node"] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    rows: dict[str, Route] = field(default_factory=dict)
    rest: dict[str, Route] = field(default_factory=dict)


def compile_routes(routes: Iterable[Route]) -> Node:
    """Return the tree for a route table. A row that allows GET also allows HEAD."""
    root = Node()
    for route in routes:
        *start, last = shape(route.path)
        node = root
        for segment in start if last == REST else [*start, last]:
            if segment != PARAMETER and segment not in node.following:
                node.words += (_folded(segment),)
            node = node.following.setdefault(segment, Node())
        _add(node.rest if last == REST else node.rows, route)
    return root


def _add(rows: dict[str, Route], route: Route) -> None:
    for method in route.methods:
        rows[method] = route
    if "GET" in route.methods:
        rows.setdefault("HEAD", route)


def match(node: Node, method: str, segments: Sequence[str]) -> Route | None:
    """Return the most specific row for `method` and these path segments, or None.

    Raises RefusedPath for a variant spelling of a word of the table.
    """
    if not segments:
        return node.rows.get(method) or node.rest.get(method)
    if segments[0] not in node.following and _folded(segments[0]).startswith(node.words):
        raise RefusedPath(
            "the path spells a word of the route table differently: use its exact capitals, and no ending"
        )
    for branch in (segments[0], PARAMETER):
        following = node.following.get(branch)
        found = match(following, method, segments[1:]) if following else None
        if found is not None:
            return found
    return node.rest.get(method)


def _folded(segment: str) -> str:
    """Return a segment as a lenient service could read it: decoded, NFKC, lower case, without spaces.

    A dot follows, so that `vault` and `vault.json` both begin with `vault.`, and `vaults` does not.
    """
    text = unicodedata.normalize("NFKC", unquote(segment)).casefold()
    return "".join(text.split()) + "."
