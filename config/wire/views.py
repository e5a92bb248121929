"""Base classes of views, on top of DRF's."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from config.wire import ids, preconditions, requests
from config.wire.lists.query import ListQuery

Row = TypeVar("Row", bound=Model)


class PublicView(APIView):
    """An endpoint for callers without a credential. It ignores every credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class ResourceViewSet(GenericViewSet[Row]):
    """Rows of a resource. DRF's mixins find them by public id, among those that the caller may see."""

    resource: ClassVar[str]
    list_query: ClassVar[type[ListQuery]]
    query: ListQuery

    def get_object(self) -> Any:
        """Return the row with the id in the path. Raises NotFound."""
        return ids.find(self.resource, self.get_queryset(), self.kwargs["pk"])

    def filter_queryset(self, queryset: Any) -> Any:
        """Return the rows for a list that the query parameters ask for. Raises FormFaults."""
        context = self.get_serializer_context()
        self.query = requests.parse_list_query(self.list_query, self.request, context)
        return self.query.narrowed(queryset)

    def created(self, shown: Any, identity: str | int, headers: Mapping[str, str] | None = None) -> Response:
        """Return the 201 for a new row, with its address (RFC 9110 section 10.2.2) and more `headers`."""
        path = reverse(f"{self.basename}-detail", kwargs={**self.kwargs, "pk": identity})
        headers = {**(headers or {}), "Location": f"{settings.PUBLIC_URL}{path}"}
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)


class EditedViewSet(ResourceViewSet[Row]):
    """Rows that people edit. Answers about one row have its ETag; edits are conditional by If-Match.

    `conditional` are the actions that read If-Match, `tagged` those whose answer has an ETag.
    """

    conditional: ClassVar[frozenset[str]] = frozenset({"partial_update", "destroy"})
    tagged: ClassVar[frozenset[str]] = frozenset({"retrieve", "create", "partial_update"})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.about(self.get_object())

    def about(self, row: Any) -> Response:
        """Return an answer that shows the row, with its ETag."""
        return Response(self.get_serializer(row).data, headers={"ETag": preconditions.etag(row)})

    def created_row(self, row: Any, identity: str | int, headers: Mapping[str, str]) -> Response:
        """Return the 201 that shows a new row, with its address, its ETag and more `headers`."""
        headers = {**headers, "ETag": preconditions.etag(row)}
        return self.created(self.get_serializer(row).data, identity, headers)

    @property
    def expected(self) -> preconditions.Expected:
        """What the request says about the version that it changes. Raises Invalid."""
        return preconditions.expected_by(self.request)
