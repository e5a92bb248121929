"""The operations of the HTTP API, from its OpenAPI document."""

import json
import re
from collections import defaultdict
from typing import Any

from config.management.commands.checkprofile import all_endpoints
from config.wire.openapi import pages as openapi_pages
from docs.building.markdown import code, table


def operations() -> str:
    """Return one table for each tag."""
    document = json.loads(openapi_pages.document().body)
    needs = {(row["method"], _shape(row["path"])): row["needs"] for row in all_endpoints()}
    found: defaultdict[str, list[list[str]]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            row = [code(method.upper()), code(path), _words(operation)]
            row.append(needs.get((method.upper(), _shape(path)), "nothing"))
            found[operation["tags"][0]].append(row)
    heads = ["method", "path", "what it does", "needs"]
    return "\n\n".join(_section(tag, table(heads, found[tag["name"]])) for tag in document["tags"])


def _section(tag: dict[str, str], rows: str) -> str:
    return f"## {tag['name']}\n\n{tag['description']}\n\n{rows}"


def _shape(path: str) -> str:
    """The path without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", path)


def _words(operation: dict[str, Any]) -> str:
    """The summary, and the first paragraph of the description, on one line."""
    first, _, _ = operation["description"].partition("\n\n")
    return f"**{operation['summary']}**<br>{' '.join(first.split())}"
