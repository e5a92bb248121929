"""/account/keys: the keys that a person sees."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

from access.backoffice.base import STATUSES
from access.backoffice.paginator import CappedPaginator
from apikeys.admin.usage_charts import line_of_day
from apikeys.models import ApiKey
from console.base import ConsolePage
from console.keys.forms import KeyFilter
from console.keys.owners import may_make_keys, owners_shown

SHOWN = 50  # keys on a page
SHOWN_SCOPES = 2


class Shown(NamedTuple):
    """A row of the list: the key, its status in words and as a class, its scopes, its last day as SVG."""

    key: ApiKey
    status: str
    status_in_words: str | Promise
    scopes: list[str]
    more_scopes: list[str]
    line: str


class KeysPage(ConsolePage):
    """The keys that the person sees, newest first, as the API lists them: own ones and organizations'."""

    section = "keys"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        principal, origin = self.caller.principal, self.caller.origin
        form = KeyFilter(owners_shown(principal), request.GET)
        visible = ApiKey.objects.visible_to(principal).select_related("user", "organization")
        keys = form.narrowed(visible, principal, origin).with_last_day(origin.at)
        page = CappedPaginator(keys, SHOWN).get_page(request.GET.get("page"))
        return self.page(
            "keys/list.html",
            form=form,
            keys=[self._shown(key) for key in page],
            page=page,
            query=_without_page(request),
            is_narrowed=any(request.GET.get(name) for name in form.fields),
            may_make=may_make_keys(principal),
            status=200 if form.is_valid() else 400,
        )

    def _shown(self, key: ApiKey) -> Shown:
        now = self.caller.origin.at
        status = key.shown_status(now)
        few, more = key.scopes[:SHOWN_SCOPES], key.scopes[SHOWN_SCOPES:]
        return Shown(key, status, STATUSES[status], few, more, line_of_day(key, now))


def _without_page(request: HttpRequest) -> str:
    """Return the filters as a query, to which a link adds its page."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
