"""Pages of the audit endpoint: a list, or with `after` a feed that skips no event."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from access.audit_log.serializers import EventQuery
from audit.models import Event
from audit.position import Position
from config.waiting import answer_not_before
from config.wire.errors import Gone, Invalid
from config.wire.lists.pages import CURSOR, PAGE_SIZE, Pages, page_size_of, read
from config.wire.lists.query import ORDERING

AFTER = "after"
OTHER_HISTORY = (
    "after: the audit log has no event at this cursor. The database was restored from a backup, or is "
    "another one. Send an empty after to read from the beginning."
)


class EventPages(Pages):
    """The list's pages and, with `after`, those of the feed: oldest first, and always with a next one.

    Events are numbered in the order of their commits (audit.log), so a later event is never visible before an
    earlier one, and what follows a position never grows at its front.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return a page. One with events leaves a lease after they were read, as the answers to them do.

        Raises Gone. The cursor is looked up after the events are read: if the history changes in
        between, the page is refused.
        """
        query: EventQuery = view.query
        if query.position is None:
            return super().paginate_queryset(queryset, request, view)
        _refuse_together(request, CURSOR, ORDERING)
        size = page_size_of(request.query_params.get(PAGE_SIZE))
        page: list[Event] = read(query.order.rows(queryset, None)[:size], within_limit=True)
        if not query.position.is_known():
            raise Gone(OTHER_HISTORY)
        end = Position(page[-1].sequence, bytes(page[-1].hash)) if page else query.position
        self.next = replace_query_param(f"{settings.PUBLIC_URL}{request.get_full_path()}", AFTER, end.text)
        self.previous = None
        if page:
            answer_not_before(settings.EPOCH_LEASE_SECONDS)
        return page


def _refuse_together(request: Request, *names: str) -> None:
    for name in names:
        if name in request.query_params:
            raise Invalid(
                name, "must be left out beside after: a feed is always oldest first, from the cursor in after"
            )
