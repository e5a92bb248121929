"""What the document has beside the views of DRF: server, tags, examples of bodies, and the plain views."""

from typing import Any

from django.conf import settings

from config import profiles
from config.wire.openapi import texts
from config.wire.openapi.schema import ERROR, TEXT, Security, described


def finish(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Name the document after the product, and complete it. A hook of drf-spectacular."""
    name = profiles.active().product.name
    result["info"]["title"] = f"{name} API"
    result["info"]["description"] = f"{name}: who calls, and what they may do."
    result["servers"] = [{"url": settings.PUBLIC_URL}]
    schemes: Security = [{name: []} for name in result["components"]["securitySchemes"]]
    result["paths"] |= {path: {"get": operation} for path, operation in _plain([*schemes, {}]).items()}
    operations = [each for methods in result["paths"].values() for each in methods.values()]
    _open(operations)
    used = {tag for operation in operations for tag in operation["tags"]}
    result["tags"] = [{"name": tag, "description": words} for tag, words in texts.TAGS.items() if tag in used]
    _complete_bodies(operations, result["components"]["schemas"])
    return result


def _open(operations: list[dict[str, Any]]) -> None:
    """Say that an operation takes no credential as generators read it: with [{}] a client must have one."""
    for operation in operations:
        if operation.get("security", [{}]) == [{}]:
            operation["security"] = []


def _complete_bodies(operations: list[dict[str, Any]], schemas: dict[str, Any]) -> None:
    """Show the example of a body beside its schema, where every tool looks for it.

    Say that a body whose schema refuses an empty one must not be left out, either.
    """
    for operation in operations:
        body = operation.get("requestBody", {})
        for form in body.get("content", {}).values():
            form["example"] = _example(form["schema"], schemas)
            if {"minProperties", "items"} & _resolved(form["schema"], schemas).keys():
                body["required"] = True


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    schema = _resolved(schema, schemas)
    if "items" in schema:
        return [_example(schema["items"], schemas)]
    return schema["examples"][0] if "examples" in schema else _example(schema["oneOf"][0], schemas)


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _plain(all_schemes: Security) -> dict[str, dict[str, Any]]:
    """Return the operations, all GET, that are answered without a view of DRF."""
    return {
        "/health": _operation("health", [{}]),
        "/ready": _operation("ready", [{}]),
        "/metrics": _operation("metrics", [{}]),
        "/gateway/check": _operation("check", all_schemes) | {"parameters": CHECKED},
    }


def _operation(operation_id: str, security: Security) -> dict[str, Any]:
    text = texts.of_operation(__name__, operation_id)
    return {
        "operationId": operation_id,
        "summary": text.summary,
        "description": described(text, None),
        "tags": [text.tag],
        "security": security,
        "responses": {"200": {"description": "Yes"}, "default": ERROR},
    }


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": TEXT}


CHECKED = [
    _header("X-Original-Method", "method of the other request (nginx)"),
    _header("X-Original-URI", "path and query of the other request (nginx)"),
    _header("X-Forwarded-Method", "method of the other request (Traefik, Caddy)"),
    _header("X-Forwarded-Uri", "path and query of the other request (Traefik, Caddy)"),
]
