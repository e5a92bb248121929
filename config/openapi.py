"""/schema and /docs: the OpenAPI 3.1 document of the active profile, and a page to read and try it."""

from functools import lru_cache
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
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
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE], "img-src": [SELF, "data:"]}), name="get")
class DocsView(SpectacularSwaggerSplitView):
    """A page that shows the document, without any foreign host."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "schema"
    url_self = None

    def handle_exception(self, exc: Exception) -> Response:
        """Errors are no pages."""
        response: Response = super().handle_exception(exc)
        self.request.accepted_renderer = WireRenderer()
        return response
