"""Describes endpoints in the OpenAPI document: their texts, envelope, errors and headers."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, force_instance
from drf_spectacular.utils import OpenApiParameter

from config import profiles
from config.wire import rendering
from config.wire.fields import TextField
from config.wire.members import RequestForm
from config.wire.openapi import texts
from config.wire.openapi.examples import example_of
from config.wire.openapi.fields import id_schema
from config.wire.preconditions import TAGS
from config.wire.problems import MEDIA_TYPE

Security = list[dict[str, list[str]]]  # schemes, each with scopes; one of them is enough
TEXT = {"type": "string"}
UNKNOWN = "a member that no request has"
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
    {"type": "string", "pattern": rf"^(?:[ \t]*\*[ \t]*|{TAGS.pattern})$"},
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


NO_PROGRAMS = "API keys and OAuth2 tokens may not."
CALLERS = {
    None: "Anybody may call this, without a credential.",
    "authenticated": "Callers with any valid credential may call this.",
    "person": f"People who have logged in may call this. {NO_PROGRAMS}",
}


def described(text: texts.OperationText, need: Any, *, of_people: bool = False) -> str:
    """Return the description of an operation, which says who may call it: those with the view's `need`."""
    callers = text.callers or CALLERS.get(need) or _holders(need, of_people=of_people)
    return f"{text.description.strip()}\n\n{callers}"


def _holders(capabilities: frozenset[str], *, of_people: bool) -> str:
    named = " or ".join(f"`{capability}`" for capability in sorted(capabilities))
    if of_people:
        return f"People who have logged in and whose role gives {named} may call this. {NO_PROGRAMS}"
    return f"Callers whose role or scopes give {named} may call this."


class WireSchema(AutoSchema):
    """Describes operations with the profile's envelope, typed ids in paths, and problems as errors."""

    @property
    def text(self) -> texts.OperationText:
        return texts.of_operation(type(self.view).__module__, self.get_operation_id())

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Return the name of a component, which generators give to a class: ApiKey for ApiKeyMember."""
        return type(serializer).__name__.removesuffix("Member")

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}{'Page' if profiles.active().wire.lists == 'page' else 'List'}"

    def get_auth(self) -> Security:
        """Return the credentials that the operation takes: `security` of the view, if it has that."""
        own: Security | None = getattr(self.view, "security", None)
        return super().get_auth() if own is None else own

    def get_tags(self) -> list[str]:
        return [self.text.tag]

    def get_summary(self) -> str:
        return self.text.summary

    def get_description(self) -> str:  # type: ignore[override]  # as in drf-spectacular
        needs = getattr(self.view, "needs", None)
        return described(self.text, needs and needs[self._action()], of_people=self._is_among("of_people"))

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Describe members by openapi.toml, not by the docstring. Requests take no other members."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        schema.pop("description", None)
        instance = force_instance(serializer)  # type: ignore[no-untyped-call]
        text, example = texts.of_schema(type(instance)), example_of(instance)
        schema |= {"description": text.description.strip()} if text.description else {}
        if isinstance(instance, RequestForm) and not instance.takes(list(instance.fields), UNKNOWN):
            schema["additionalProperties"] = False
        if getattr(instance, "is_limited_by_scopes", False):
            schema.pop("required", None)
        if isinstance(instance, RequestForm) and not instance.may_be_empty:
            schema["minProperties"] = 1
        return schema | ({} if example is None else {"examples": [example]})

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Say of texts that are sent, not of those in responses, that they may not be empty."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        is_filled = direction == "request" and isinstance(field, TextField) and not field.allow_blank
        return {"minLength": 1, **schema} if is_filled and "type" in schema else schema

    def get_override_parameters(self) -> list[Any]:
        """Return the query parameters of a list, and the headers of versions: those that the view reads."""
        query = getattr(self.view, "list_query", None) if getattr(self.view, "action", "") == "list" else None
        own = [(IF_MATCH, "conditional"), (ETAG, "tagged")]
        found = [parameter for parameter, actions in own if self._is_among(actions)]
        return [*super().get_override_parameters(), *([query] if query else []), *found]

    def _is_among(self, actions: str) -> bool:
        """Whether the view names this action, or method, in its attribute `actions`."""
        return self._action() in getattr(self.view, actions, ())

    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def get_request_serializer(self) -> Any:
        """Return what describes the body. DELETE has one only if the view declares it."""
        return None if self.method == "DELETE" else super().get_request_serializer()

    def _get_request_body(self, direction: Any = "request") -> Any:
        """Describe the body of DELETE, too, which drf-spectacular never does."""
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = "DELETE"

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
