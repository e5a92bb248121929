"""From an ASGI scope to WSGI variables (PEP 3333), or a refusal of a head that could be read in two ways."""

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

# One of two would be believed, and the proxy before us may believe the other. Credentials are joined
# with a comma, as servers do, and refused where they are read.
ONCE = frozenset(
    {"HTTP_X_ORIGINAL_METHOD", "HTTP_X_ORIGINAL_URI", "HTTP_X_FORWARDED_METHOD", "HTTP_X_FORWARDED_URI"}
)
UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class RefusedHead(Exception):
    """The head of a request is not taken; says why."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the WSGI variables of a request, without its body. Raises RefusedHead."""
    path, query = scope["raw_path"], scope["query_string"]
    if not path.startswith(b"/"):
        raise RefusedHead(400, "invalid_request", "The target of a request must begin with / here.")
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
    _check_coding(environ)
    return environ


def _add(environ: dict[str, Any], name: bytes, value: str) -> None:
    if b"_" in name:
        return  # the same variable as the name with "-", which proxies guard
    variable = VARIABLES.get(name) or _variable(name)
    if variable not in environ:
        environ[variable] = value
    elif variable in ONCE:
        raise RefusedHead(400, "invalid_request", f"Send {name.decode('latin-1')} once.")
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


def _check_coding(environ: dict[str, Any]) -> None:
    """Raise RefusedHead for a transfer coding other than chunked (RFC 9112 section 6.1)."""
    coding = environ.pop("HTTP_TRANSFER_ENCODING", None)
    if coding is not None and coding.lower() != "chunked":
        detail = "The only transfer coding that is understood is chunked."
        raise RefusedHead(501, "not_implemented", detail)


def has_body(scope: Mapping[str, Any]) -> bool:
    """Whether a body may follow the head."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )
