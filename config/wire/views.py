"""Base classes of views, on top of DRF's."""

from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from config.wire import ids, requests

Row = TypeVar("Row", bound=Model)


class PublicView(APIView):
    """An endpoint for callers without a credential. It ignores every credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class ResourceViewSet(GenericViewSet[Row]):
    """Rows of a resource. DRF's mixins find them by public id, among those that the caller may see."""

    resource: ClassVar[str]

    def get_object(self) -> Any:
        """Return the row with the id in the path. Raises NotFound."""
        return ids.find(self.resource, self.get_queryset(), self.kwargs["pk"])

    def filter_queryset(self, queryset: Any) -> Any:
        """DRF's, but raises Invalid for query parameters of a list without filters."""
        if not self.filter_backends:
            requests.no_query(self.request)
        return super().filter_queryset(queryset)
