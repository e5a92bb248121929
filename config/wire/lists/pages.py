"""Paginates the API's lists in the active profile's form. The admin uses access.backoffice.paginator."""

import re
from typing import Any

from django.conf import settings
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from config import profiles
from config.database.statements import StatementTooSlow, statements_within
from config.wire.errors import Invalid, TooBroad
from config.wire.lists.order import LONGEST_CURSOR, Cursor
from config.wire.lists.query import ListQuery

CURSOR, PAGE_SIZE = "cursor", "page_size"
ROWS, MOST_ROWS = 50, 200  # on a page
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
MOST_MS = 2_000  # for reading one page that is filtered or sorted


class Pages(BasePagination):
    """Pages by cursor. Each begins at its place in an index, so its position does not matter.

    A profile with `lists = "array"` gets a bare array, with the next page in a Link header (RFC 8288).
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return a page. Its links use the public address: proxies call Keyhouse at an internal one."""
        query: ListQuery = view.query
        sent, size = request.query_params.get(CURSOR), page_size_of(request.query_params.get(PAGE_SIZE))
        cursor = query.order.read(sent) if sent else None
        rows = read(query.order.rows(queryset, cursor)[: size + 1], within_limit=not query.is_plain)
        is_backwards = cursor is not None and cursor.is_backwards
        has_more, page = len(rows) > size, rows[:size][:: -1 if is_backwards else 1]
        self.address = f"{settings.PUBLIC_URL}{request.get_full_path()}"
        self.next = self.previous = None
        if page and (has_more or is_backwards):
            self.next = self._link(query.order.write(Cursor(query.order.place(page[-1]))))
        if page and (has_more if is_backwards else cursor is not None):
            self.previous = self._link(query.order.write(Cursor(query.order.place(page[0]), True)))
        return page

    def _link(self, cursor: str) -> str:
        return replace_query_param(self.address, CURSOR, cursor)

    def get_paginated_response(self, data: Any) -> Response:
        if profiles.active().wire.lists == "page":
            return Response({"results": data, "next": self.next, "previous": self.previous})
        return Response(data, headers={"Link": f'<{self.next}>; rel="next"'} if self.next else {})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        if profiles.active().wire.lists == "array":
            return schema
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"results": schema, "next": link, "previous": link}
        return {"type": "object", "required": list(properties), "properties": properties}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters for the OpenAPI document."""
        cursor = {"type": "string", "maxLength": LONGEST_CURSOR}
        size = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": ROWS}
        return [
            _parameter(CURSOR, "where the page begins, from a link", cursor),
            _parameter(PAGE_SIZE, f"rows on a page; a larger number counts as {MOST_ROWS}", size),
        ]


def page_size_of(sent: str | None) -> int:
    """Return how many rows to show, at most MOST_ROWS. Raises Invalid for anything but a number."""
    if sent is None:
        return ROWS
    if not NUMBER.fullmatch(sent):
        raise Invalid(PAGE_SIZE, f"must be a number from 1 to {MOST_ROWS}")
    return min(int(sent), MOST_ROWS)


def read(rows: Any, *, within_limit: bool) -> list[Any]:
    """Read the rows. Raises TooBroad if that takes the database too long, unless there is no limit."""
    if not within_limit:
        return list(rows)
    try:
        with statements_within(MOST_MS):
            return list(rows)
    except StatementTooSlow:
        raise TooBroad(MOST_MS // 1000) from None


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}
