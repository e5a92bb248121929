"""What a receiver asks for in `Retry-After`: a number of seconds, or a date."""

import re
from datetime import datetime, timedelta

from django.utils.http import parse_http_date_safe

from config.outgoing.client import Answer

STATUSES = frozenset({429, 503})  # RFC 6585 section 4, RFC 9110 section 15.6.4
SECONDS = re.compile(r"[0-9]{1,10}")


def asked_pause(answer: Answer, now: datetime) -> timedelta:
    """Return how long the receiver asks us to wait (RFC 9110 section 10.2.3); 0 if it asks for nothing.

    A date that has passed gives a negative length.
    """
    text = answer.headers.get("retry-after", "").strip()
    if answer.status not in STATUSES:
        return timedelta(0)
    if SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    date = parse_http_date_safe(text)
    return timedelta(0) if date is None else timedelta(seconds=date - now.timestamp())
