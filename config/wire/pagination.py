"""Paginates the API's lists in the active profile's form. The admin uses access.backoffice.paginator."""

import re
from typing import Any

from django.conf import settings
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from config import profiles
from config.wire.errors import Invalid

PAGE_SIZE = re.compile(r"[1-9][0-9]{0,8}")
POSITION = re.compile(r"[0-9]{1,19}")


class Pages(CursorPagination):
    """Pages by cursor, newest first. A page costs the same at any position, for any number of rows.

    A profile with `lists = "array"` gets a bare array, with the next page in a Link header (RFC 8288).
    """

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int | None:
        """Return how many rows to show, at most `max_page_size`. Raises Invalid for anything but a number."""
        sent = request.query_params.get(self.page_size_query_param, "1")
        if not PAGE_SIZE.fullmatch(sent):
            raise Invalid(self.page_size_query_param, f"must be a number from 1 to {self.max_page_size}")
        return super().get_page_size(request)

    def decode_cursor(self, request: Request) -> Any:
        """Read the cursor. Raises Invalid for a cursor that Keyhouse did not make."""
        try:
            cursor = super().decode_cursor(request)
        except exceptions.NotFound:
            raise Invalid("cursor", "is not a valid cursor") from None
        if cursor is not None and not POSITION.fullmatch(str(cursor.position or 0)):
            raise Invalid("cursor", "is not a valid cursor")
        return cursor

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return a page. Its links use the public address: proxies call Keyhouse at an internal one."""
        page: Any = super().paginate_queryset(queryset, request, view)
        self.base_url = f"{settings.PUBLIC_URL}{request.get_full_path()}"
        return page

    def get_paginated_response(self, data: Any) -> Response:
        following = self.get_next_link()
        if profiles.active().wire.lists == "page":
            return Response({"results": data, "next": following, "previous": self.get_previous_link()})
        return Response(data, headers={"Link": f'<{following}>; rel="next"'} if following else {})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        if profiles.active().wire.lists == "array":
            return schema
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"results": schema, "next": link, "previous": link}
        return {"type": "object", "required": list(properties), "properties": properties}
