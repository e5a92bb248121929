"""The readings of a path: every path that some server or framework could make of it."""

import posixpath
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

STEPS: tuple[Callable[[str], str], ...] = (
    lambda path: re.sub(r"^[a-zA-Z]+://[^/]*", "", path),
    lambda path: re.split(r"[?#]", path)[0],
    lambda path: unquote(path, "latin-1"),
    unquote,
    lambda path: unicodedata.normalize("NFKC", path),
    lambda path: path.replace("\\", "/"),
    lambda path: re.sub(r";[^/]*", "", path),
    lambda path: path.split("\x00")[0],
    lambda path: re.sub(r"(?<=[^/.])\.[^/]*", "", path),  # .json and the like
    lambda path: re.sub(r"(?<=[^/\s])\s+(?=/|$)", "", path),
    lambda path: re.sub(r"/+", "/", path),
    lambda path: posixpath.normpath(path) if path else path,
    lambda path: path.strip("/ "),
    str.casefold,
)


def readings(target: str) -> set[str]:
    """Return every path that the steps lead to, in any order and number."""
    found, new = {target}, [target]
    while new:
        path = new.pop()
        for step in STEPS:
            read = step(path)
            if read not in found:
                found.add(read)
                new.append(read)
    return found


def may(key: str, method: str, path: str) -> bool:
    """Return the decision of these tests' route table, without the gateway's own code."""
    parts = path.strip("/").split("/")
    if parts[0] != "services":
        return False
    if method not in {"GET", "HEAD"}:
        return method in {"POST", "PUT", "PATCH", "DELETE"} and key == "writer"
    if parts[1:2] == ["vault"]:
        return key == "writer"
    return parts[2:] == ["health"] or key in {"reader", "writer"}


def forbidden(key: str, method: str, target: str) -> list[str]:
    """The readings of what arrived that the key has no right to; "" and "." are the root of nothing."""
    whole = readings(target.partition("?")[0])
    settled = {path for path in whole if all(step(path) == path for step in STEPS)}
    return sorted(path for path in settled if not may(key, method, path))
