"""Path patterns of the route table: their syntax, and when two are equal."""

import re

REST = "**"
PARAMETER = "{}"
LITERAL = re.compile(r"[A-Za-z0-9_~:@!$'()+,=.-]+")
NAMED = re.compile(r"\{[a-z_][a-z0-9_]*\}")


class PathError(ValueError):
    """A path pattern is malformed."""


def shape(path: str) -> tuple[str, ...]:
    """Return the segments of a pattern, each parameter as "{}".

    "/v1/runs/{id}" → ("v1", "runs", "{}"). Raises PathError, which says what is wrong.
    """
    if not path.startswith("/"):
        raise PathError(f"{path!r} must begin with /")
    segments = path[1:].split("/")
    return tuple(_segment(path, segment, last=i == len(segments) - 1) for i, segment in enumerate(segments))


def _segment(path: str, segment: str, *, last: bool) -> str:
    if NAMED.fullmatch(segment):
        return PARAMETER
    if segment == REST and last:
        return REST
    if segment in {"", ".", "..", REST} or not LITERAL.fullmatch(segment):
        raise PathError(f"segment {segment!r} of {path!r} must be a word, {{name}}, or ** at the end")
    return segment
