"""What views have in common, beside what DRF gives them."""

from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from config.wire import ids, requests

Row = TypeVar("Row", bound=Model)


class PublicView(APIView):
    """An endpoint for callers without a credential: whatever they send as one is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class ResourceViewSet(GenericViewSet[Row]):
    """Rows of one resource. DRF's mixins find one by its public id, among those that the caller may see."""

    resource: ClassVar[str]

    def get_object(self) -> Any:
        """Return the row with the id in the path. Raises NotFound."""
        return ids.find(self.resource, self.get_queryset(), self.kwargs["pk"])

    def filter_queryset(self, queryset: Any) -> Any:
        """DRF's. A list that declares no filters takes none. Raises Invalid."""
        if not self.filter_backends:
            requests.no_query(self.request)
        return super().filter_queryset(queryset)
