"""The profile's route table, compiled: which row a request falls under. Knows no Django.

A word is more specific than a parameter, a parameter more than the rest (`**`). What is a word but for its
spelling is refused where the word could stand, since there are services to which it is the same. Rows that
no request can tell apart do not get this far: the profile is refused.
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
    """One place in the tree of segments: what can follow, and the rows that end here, by method.

    `words` are the words that can follow, folded, each with a dot behind it.
    """

    following: dict[str, "Node"] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    rows: dict[str, Route] = field(default_factory=dict)
    rest: dict[str, Route] = field(default_factory=dict)


def compile_routes(routes: Iterable[Route]) -> Node:
    """Return the tree for a route table. HEAD is allowed wherever GET is."""
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
    """Return the most specific row for `method` on the path with these segments, or None.

    Raises RefusedPath for a word of the table in another spelling.
    """
    if not segments:
        return node.rows.get(method) or node.rest.get(method)
    if segments[0] not in node.following and _folded(segments[0]).startswith(node.words):
        raise RefusedPath("the path spells a word of the route table in other capitals or with an ending")
    for branch in (segments[0], PARAMETER):
        following = node.following.get(branch)
        found = match(following, method, segments[1:]) if following else None
        if found is not None:
            return found
    return node.rest.get(method)


def _folded(segment: str) -> str:
    """Return what services could make of a segment: decoded, in plain letters, without capitals and blanks.

    A dot stands behind it, so that `vault` and `vault.json` both begin with `vault.` and `vaults` does not.
    """
    text = unicodedata.normalize("NFKC", unquote(segment)).casefold()
    return "".join(text.split()) + "."
