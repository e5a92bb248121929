"""/metrics: how the server is doing, for Prometheus."""

import os
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit_sinks import FILE, SYSLOG, outlets
from accounts.models import Mail
from audit.sinks.lag import lag_of
from config import metrics
from config.wire.http.client_ip import client_ip, is_within
from config.wire.http.methods import takes


class Gauge(NamedTuple):
    """A number that /metrics looks up at each request."""

    name: str
    words: str


class SinkGauges(NamedTuple):
    """What /metrics says of a sink of the audit log."""

    events: Gauge
    seconds: Gauge


MAILS_WAITING = Gauge("keyhouse_mails_waiting", "Mails not yet sent")
SINKS = {
    SYSLOG: SinkGauges(
        Gauge("keyhouse_audit_syslog_waiting", "Audit events not yet sent to the syslog server"),
        Gauge("keyhouse_audit_syslog_lag_seconds", "Age of the oldest of these events; 0 without one"),
    ),
    FILE: SinkGauges(
        Gauge("keyhouse_audit_file_waiting", "Audit events not yet written to the file"),
        Gauge("keyhouse_audit_file_lag_seconds", "Age of the oldest of these events; 0 without one"),
    ),
}


@takes("GET")
def metrics_page(request: HttpRequest) -> HttpResponse:
    """GET /metrics; 404 for clients outside KEYHOUSE_METRICS_NETWORKS, since metrics describe all users."""
    if metrics.FOLDER not in os.environ or not is_within(client_ip(request), settings.METRICS_NETWORKS):
        raise Http404
    now = {MAILS_WAITING.name: (MAILS_WAITING.words, float(Mail.objects.count()))}
    for outlet in outlets():
        gauges, lag = SINKS[outlet.name], lag_of(outlet.name, timezone.now())
        now[gauges.events.name] = (gauges.events.words, lag.events)
        now[gauges.seconds.name] = (gauges.seconds.words, lag.seconds)
    body, media_type = metrics.exposition(now)
    return HttpResponse(body, content_type=media_type)
