"""/schema and /docs: the OpenAPI 3.1 document of the active profile, and a page that shows it."""

import hashlib
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import etag
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import profiles
from config.profiles import Profile
from config.wire.openapi import times  # noqa: F401 (the import registers it)
from config.wire.openapi.examples import day_of_examples
from config.wire.rendering import WireRenderer


class Document(NamedTuple):
    """The OpenAPI document as it is sent, and its entity tag (RFC 9110 section 8.8.3)."""

    body: bytes
    etag: str


_building = Lock()  # drf-spectacular fails if two threads build at once


def document() -> Document:
    """Return the active profile's document. The first call in a process builds it, or the first of a day."""
    with _building:
        return _build(profiles.active(), day_of_examples())


@lru_cache(maxsize=16)
def _build(profile: Profile, day: date | None) -> Document:
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    body: bytes = OpenApiJsonRenderer().render(schema)
    return Document(body, f'"{hashlib.sha256(body).hexdigest()}"')


class SchemaView(APIView):
    """The OpenAPI document as JSON. Clients may cache it, and revalidate it with its ETag."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (OpenApiJsonRenderer,)

    @extend_schema(exclude=True)
    @method_decorator([cache_control(no_cache=True), etag(lambda request: document().etag)])
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(document().body, content_type=OpenApiJsonRenderer.media_type)


# Swagger UI sets style attributes, and has icons in data: URLs. Its scripts come from this host only.
DOCS_POLICY = f"{settings.CONTENT_SECURITY_POLICY}; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class DocsView(SpectacularSwaggerSplitView):
    """A page that shows the document, without loading anything from other hosts."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "schema"
    url_self = None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        response.headers["Content-Security-Policy"] = DOCS_POLICY
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Return errors as problem documents, not as pages."""
        response: Response = super().handle_exception(exc)
        self.request.accepted_renderer = WireRenderer()
        return response
