"""Turns an ASGI scope into WSGI variables (PEP 3333), and refuses heads that could be read in two ways."""

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from config.server.refusals import RefusedRequest

# Of two such headers we would believe one, and the proxy may believe the other. Credentials sent twice are
# joined with a comma, as in other servers; the code that reads them refuses the result.
ONCE = frozenset(
    {
        *("HTTP_X_ORIGINAL_METHOD", "HTTP_X_ORIGINAL_URI", "HTTP_X_FORWARDED_METHOD", "HTTP_X_FORWARDED_URI"),
        "HTTP_HOST",
    }
)
UNSUPPORTED_CODING = "The only supported transfer coding is chunked."
UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the WSGI variables of a request, with an empty body. Raises RefusedRequest."""
    path, query = scope["raw_path"], scope["query_string"]
    if not path.startswith(b"/"):
        raise RefusedRequest(400, "invalid_request", "The target of the request must begin with /.")
    server, client = scope["server"], scope["client"]
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "RAW_URI": (path + b"?" + query if query else path).decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input": BytesIO(),
    }
    for name, value in scope["headers"]:
        _add(environ, name, value.decode("latin-1"))
    _check_host(environ)
    _check_coding(environ)
    return environ


def _add(environ: dict[str, Any], name: bytes, value: str) -> None:
    if b"_" in name:
        return  # it would become the same variable as the name with "-", which proxies overwrite
    variable = VARIABLES.get(name) or _variable(name)
    if variable not in environ:
        environ[variable] = value
    elif variable in ONCE:
        raise RefusedRequest(400, "invalid_request", f"Send {name.decode('latin-1')} only once.")
    else:
        environ[variable] += f",{value}"


def _variable(name: bytes) -> str:
    return UNPREFIXED.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


VARIABLES = {
    name: _variable(name)
    for name in (
        *(b"host", b"authorization", b"x-api-key", b"x-original-method", b"x-original-uri", b"user-agent"),
        *(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-method", b"x-forwarded-uri", b"accept"),
        *(b"x-forwarded-host", b"x-request-id", b"connection", b"content-type", b"content-length"),
    )
}


def _check_host(environ: Mapping[str, Any]) -> None:
    """Raise RefusedRequest if HTTP/1.1 names no host (RFC 9112 section 3.2)."""
    if "HTTP_HOST" not in environ and environ["SERVER_PROTOCOL"] == "HTTP/1.1":
        raise RefusedRequest(400, "invalid_request", "HTTP/1.1 requires a Host header.")


def _check_coding(environ: dict[str, Any]) -> None:
    """Raise RefusedRequest for a transfer coding other than chunked (RFC 9112 section 6.1)."""
    coding = environ.pop("HTTP_TRANSFER_ENCODING", None)
    if coding is not None and coding.lower() != "chunked":
        raise RefusedRequest(501, "not_implemented", UNSUPPORTED_CODING)


def has_body(scope: Mapping[str, Any]) -> bool:
    """Return whether a body may follow the head."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )
