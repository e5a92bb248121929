"""Headers that name a second path, in requests that copy or move something. Independent of Django."""

from collections.abc import Mapping
from typing import NamedTuple, get_args

from config.hosts import spell_header
from config.profiles.schema import Route, SecondPathHeader
from gateway.paths import RefusedPath, segments

KNOWN: tuple[str, ...] = get_args(SecondPathHeader)


def variable(header: str) -> str:
    """Return the WSGI variable of a header (PEP 3333)."""
    return f"HTTP_{header.upper().replace('-', '_')}"


VARIABLES = {variable(header): header for header in KNOWN}


class SecondPath(NamedTuple):
    """A path beside the one in the request line, and the method that the caller needs to be allowed there."""

    method: str
    path: str


def second_paths(route: Route, sent: Mapping[str, str], host: str) -> list[SecondPath]:
    """Return the second paths that a request names, in the order of the row's headers.

    `sent` are the WSGI variables of the request, `host` is the host that the client sent it to. Raises
    RefusedPath for a known header that the row does not accept, and for a value that is not one path at
    `host`.
    """
    if not route.second_paths and sent.keys().isdisjoint(VARIABLES):
        return []
    taken = {variable(header): (header, method) for header, method in route.second_paths.items()}
    for name in VARIABLES.keys() - taken.keys():
        if name in sent:
            raise RefusedPath(f"{VARIABLES[name]} names a second path, which this row does not accept")
    return [
        SecondPath(method, _path(header, sent[name], host))
        for name, (header, method) in taken.items()
        if name in sent
    ]


def _path(header: str, reference: str, host: str) -> str:
    """Return the path of "/path" or "http://host/path", checked by the rules of the first path.

    Servers join two headers of one name with a comma, and not every service accepts a query here.
    """
    if "," in reference or "?" in reference:
        raise RefusedPath(f"{header} must be one path, without a comma and without a query")
    path = reference if reference.startswith("/") else _at(header, reference, host)
    try:
        segments(path)
    except RefusedPath as refused:
        raise RefusedPath(f"{header}: {refused}") from None
    return path


def _at(header: str, url: str, host: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    scheme = scheme.lower()
    if scheme not in {"http", "https"} or not host or not _is_same(authority, host, scheme):
        raise RefusedPath(
            f"{header} must be a path, or an http URL with the host that the request was sent to"
        )
    return slash + path


def _is_same(authority: str, host: str, scheme: str) -> bool:
    return spell_header(authority, scheme) == spell_header(host, scheme)
