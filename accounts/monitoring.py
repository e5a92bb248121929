"""/metrics: how the server is doing, for Prometheus."""

import os
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from accounts.models import Mail
from config import metrics
from config.wire.http.client_ip import client_ip, is_within
from config.wire.http.methods import takes


class Gauge(NamedTuple):
    """A number that /metrics looks up at each request."""

    name: str
    words: str


MAILS_WAITING = Gauge("keyhouse_mails_waiting", "Mails not yet sent")


@takes("GET")
def metrics_page(request: HttpRequest) -> HttpResponse:
    """GET /metrics; 404 for clients outside KEYHOUSE_METRICS_NETWORKS, since metrics describe all users."""
    if metrics.FOLDER not in os.environ or not is_within(client_ip(request), settings.METRICS_NETWORKS):
        raise Http404
    now = {MAILS_WAITING.name: (MAILS_WAITING.words, Mail.objects.count())}
    body, media_type = metrics.exposition(now)
    return HttpResponse(body, content_type=media_type)
