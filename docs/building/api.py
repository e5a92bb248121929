"""The operations of the HTTP API, from its OpenAPI document."""

import json
from collections import defaultdict
from typing import Any

from config.management.commands.checkprofile import endpoints
from config.wire import openapi_pages
from docs.building.markdown import code, table

TITLES = {
    "accounts": "People, sessions, organizations and OAuth2",
    "apikeys": "API keys",
    "audit": "Audit log",
    "gateway": "Asking about credentials",
    "": "The installation and the gateway",
}


def operations() -> str:
    """Return one table for each subject."""
    needs = {(row["method"], row["path"]): row["needs"] for row in endpoints()}
    found: defaultdict[str, list[list[str]]] = defaultdict(list)
    for path, methods in json.loads(openapi_pages.document().body)["paths"].items():
        for method, operation in methods.items():
            row = [code(method.upper()), code(path), _words(operation), needs.get((method.upper(), path), "")]
            found[operation.get("tags", [""])[0]].append(row)
    heads = ["method", "path", "what it does", "needs"]
    return "\n\n".join(f"## {title}\n\n{table(heads, found[tag])}" for tag, title in TITLES.items())


def _words(operation: dict[str, Any]) -> str:
    """The name of the operation as words: "Disable api key" is disable_api_key."""
    name = str(operation["operationId"]).replace("_", " ")
    return name[0].upper() + name[1:]
