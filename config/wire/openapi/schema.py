"""Describes endpoints in the OpenAPI document: ids, envelope, errors, and views that are not DRF's."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter

from config import profiles
from config.wire import ids, rendering
from config.wire.problems import MEDIA_TYPE

TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "code": TEXT,
        "detail": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["member", "detail"],
                "properties": {"member": TEXT, "detail": TEXT},
            },
        },
    },
}
PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}
LOCATION = {"description": "Address of what was created", "schema": {"type": "string", "format": "uri"}}
ERROR = {"description": "A problem", "content": {MEDIA_TYPE: {"schema": PROBLEM_REFERENCE}}}
TAG = {"description": "entity tag of the current version", "schema": TEXT}
CHANGED = {
    "description": "Somebody has edited it since: If-Match does not have its current ETag.",
    "headers": {"ETag": TAG},
    "content": {MEDIA_TYPE: {"schema": PROBLEM_REFERENCE}},
}
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="ETag of an earlier answer, or several: change it only if it is still that version; `*`: any",
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    description="entity tag of the version, for If-Match; edits change it, uses do not",
    response=[200, 201],
)


def id_schema(resource: str) -> dict[str, Any]:
    """Return the JSON schema of a public id in the active profile's form."""
    form = profiles.active().wire
    if form.ids == "integer":
        return {"type": "integer", "minimum": 1}
    if form.ids == "prefixed":
        prefix = ids.prefix_of(resource)
        return {"type": "string", "pattern": f"^{prefix}[0-9A-Za-z]{{{ids.PREFIXED_LENGTH}}}$"}
    return {"type": "string", "format": "uuid"}


class IdFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids in the profile's form."""

    target_class = "config.wire.ids.IdField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return id_schema(self.target.resource)


class QueryIdFieldExtension(IdFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids in queries in the same form."""

    target_class = "config.wire.ids.QueryIdField"


class SentIdFieldExtension(IdFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids that clients send in the same form."""

    target_class = "config.wire.ids.SentIdField"


TAGS = {
    "access": "audit",
    "oauth": "accounts",
}  # apps documented under another name


class WireSchema(AutoSchema):
    """Describes operations with the profile's envelope, typed ids in paths, and problems as errors."""

    def get_tags(self) -> list[str]:
        app = type(self.view).__module__.partition(".")[0]
        return [TAGS.get(app, app)]

    def get_override_parameters(self) -> list[Any]:
        """Return the query parameters of a list, and the headers of versions: those that the view reads."""
        query = getattr(self.view, "list_query", None) if getattr(self.view, "action", "") == "list" else None
        own = [(IF_MATCH, "conditional"), (ETAG, "tagged")]
        found = [parameter for parameter, actions in own if self._is_among(actions)]
        return [*super().get_override_parameters(), *([query] if query else []), *found]

    def _is_among(self, actions: str) -> bool:
        """Whether the view names this action, or method, in its attribute `actions`."""
        return (getattr(self.view, "action", None) or self.method.lower()) in getattr(self.view, actions, ())

    def _resolve_path_parameters(self, variables: list[str]) -> Any:
        parameters = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            resource = self._resource_of(parameter["name"])
            if resource:
                parameter["schema"] = id_schema(resource)
                parameter.pop("description", None)
        return parameters

    def _resource_of(self, parameter: str) -> str:
        """Return a path parameter's resource: the view's for "id", organization for "organization_id"."""
        return getattr(self.view, "resource", "") if parameter == "id" else parameter.removesuffix("_id")

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code, body in bodies.items():
            self._envelop(body.get("content", {}))
            if code == "201" and hasattr(self.view, "retrieve"):
                body["headers"] = {**body.get("headers", {}), "Location": LOCATION}
        problem = ResolvedComponent("Problem", ResolvedComponent.SCHEMA, schema=PROBLEM, object="Problem")  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(problem)
        changed = {"412": CHANGED} if self._is_among("conditional") else {}
        return bodies | changed | {"default": ERROR}

    def _envelop(self, content: dict[str, Any]) -> None:
        envelope = profiles.active().wire.envelope
        if envelope and any(issubclass(each, rendering.WireRenderer) for each in self.view.renderer_classes):
            for media_type, form in content.items():
                if media_type == MEDIA_TYPE:
                    continue  # problems have no envelope
                properties = {envelope: form["schema"]}
                form["schema"] = {"type": "object", "required": [envelope], "properties": properties}


def finish(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Name the document after the product, and add the plain views. A hook of drf-spectacular."""
    name = profiles.active().product.name
    result["info"]["title"] = f"{name} API"
    result["info"]["description"] = f"{name}: who calls, and what they may do."
    schemes: Security = [{name: []} for name in result["components"]["securitySchemes"]]
    result["paths"] |= PLAIN | {"/gateway/check": _check([*schemes, {}])}
    return result


Security = list[dict[str, list[str]]]


def _plain(operation_id: str, description: str, security: Security, **more: Any) -> dict[str, Any]:
    operation = {"operationId": operation_id, "description": description, "security": security, **more}
    return {"get": {**operation, "responses": {"200": {"description": "Yes"}, "default": ERROR}}}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": TEXT}


PLAIN = {
    "/health": _plain("health", "Whether the process is alive.", [{}]),
    "/ready": _plain("ready", "Whether the database can be reached.", [{}]),
    "/metrics": _plain("metrics", "Metrics for Prometheus, for the networks that the operator allows.", [{}]),
}


def _check(security: Security) -> dict[str, Any]:
    return _plain(
        "check",
        "For reverse proxies: whether the credential of this request may make another request. Responses to "
        "keys with a rate limit have RateLimit and RateLimit-Policy headers; 429 when the limit is reached.",
        security,
        parameters=[
            _header("X-Original-Method", "method of the other request (nginx)"),
            _header("X-Original-URI", "path and query of the other request (nginx)"),
            _header("X-Forwarded-Method", "method of the other request (Traefik, Caddy)"),
            _header("X-Forwarded-Uri", "path and query of the other request (Traefik, Caddy)"),
        ],
    )
