"""/schema and /docs: the OpenAPI 3.1 document of the active profile, and a page to read and try it."""

from functools import lru_cache
from typing import Any

from django.conf import settings
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
from config.wire import WireRenderer


@lru_cache(maxsize=4)
def document(profile: Profile) -> dict[str, Any]:
    """Return the OpenAPI document of the active profile, which is `profile`. Made once: it takes a while."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


class SchemaView(APIView):
    """The OpenAPI document, as JSON."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (OpenApiJsonRenderer,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document(profiles.active()))


# Swagger UI sets style attributes and has its icons in data: URLs; its scripts come from us alone.
DOCS_POLICY = f"{settings.CONTENT_SECURITY_POLICY}; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class DocsView(SpectacularSwaggerSplitView):
    """A page that shows the document, without any foreign host."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "schema"
    url_self = None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        response.headers["Content-Security-Policy"] = DOCS_POLICY
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Errors are no pages."""
        response: Response = super().handle_exception(exc)
        self.request.accepted_renderer = WireRenderer()
        return response
