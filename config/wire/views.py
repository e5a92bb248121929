"""Base classes of views, on top of DRF's."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from config.wire import ids, preconditions, requests

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


class EditedViewSet(ResourceViewSet[Row]):
    """Rows that people edit. Answers about one row have its ETag; edits are conditional by If-Match.

    `conditional` are the actions that read If-Match, `tagged` those whose answer has an ETag.
    """

    conditional: ClassVar[frozenset[str]] = frozenset({"partial_update", "destroy"})
    tagged: ClassVar[frozenset[str]] = frozenset({"retrieve", "create", "partial_update"})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.about(self.get_object())

    def about(
        self, row: Any, code: int = status.HTTP_200_OK, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return an answer that shows the row, with its ETag and more `headers`."""
        headers = {**(headers or {}), "ETag": preconditions.etag(row)}
        return Response(self.get_serializer(row).data, status=code, headers=headers)

    @property
    def expected(self) -> preconditions.Expected:
        """What the request says about the version that it changes. Raises Invalid."""
        return preconditions.expected_by(self.request)
