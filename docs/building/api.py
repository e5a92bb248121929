"""The operations of the HTTP API, from its OpenAPI document."""

import json
import re
from collections import Counter, defaultdict
from typing import Any

from config.management.commands.checkprofile import all_endpoints
from config.wire.openapi import pages as openapi_pages
from docs.building.markdown import code, table

TITLES = {
    "accounts": "People, sessions, organizations and OAuth2",
    "apikeys": "API keys",
    "audit": "Audit log",
    "gateway": "Asking about credentials",
    "": "The installation and the gateway",
}


SPELLED = {"Api": "API", "Jwks": "JWKS", "Oauth2": "OAuth2", "Openid": "OpenID", "Totp": "TOTP"}


def operations() -> str:
    """Return one table for each subject."""
    paths = json.loads(openapi_pages.document().body)["paths"]
    needs = {(row["method"], _shape(row["path"])): row["needs"] for row in all_endpoints()}
    shared = Counter(operation["description"] for methods in paths.values() for operation in methods.values())
    found: defaultdict[str, list[list[str]]] = defaultdict(list)
    for path, methods in paths.items():
        for method, operation in methods.items():
            words = _words(operation, is_shared=shared[operation["description"]] > 1)
            row = [code(method.upper()), code(path), words]
            row.append(needs.get((method.upper(), _shape(path)), "nothing"))
            found[operation.get("tags", [""])[0]].append(row)
    heads = ["method", "path", "what it does", "needs"]
    return "\n\n".join(f"## {title}\n\n{table(heads, found[tag])}" for tag, title in TITLES.items())


def _shape(path: str) -> str:
    """The path without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", path)


def _words(operation: dict[str, Any], *, is_shared: bool) -> str:
    """The name of the operation as words, and the first paragraph that is about this one alone."""
    words = " ".join(_spelled(word) for word in operation["operationId"].split("_"))
    first, _, _ = operation["description"].partition("\n\n")
    return f"**{words[0].upper()}{words[1:]}**" + ("" if is_shared else f"<br>{first}")


def _spelled(word: str) -> str:
    return SPELLED.get(word.capitalize(), word)
