"""/schema and /docs: the OpenAPI 3.1 document of the active profile, and a page to read and try it."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config import profiles


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, as JSON."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = [OpenApiJsonRenderer]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response

    @property
    def custom_settings(self) -> dict[str, str]:  # type: ignore[override]
        name = profiles.active().product.name
        return {"TITLE": f"{name} API", "DESCRIPTION": f"{name}: who is calling, and what may they do."}


# Swagger UI sets style attributes and has its icons in data: URLs; its scripts come from us alone.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE], "img-src": [SELF, "data:"]}), name="get")
class DocsView(SpectacularSwaggerSplitView):
    """A page that shows the document, without any foreign host."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "schema"
    url_self = None
