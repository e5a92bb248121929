"""Public reports of leaked keys: they are queued at once, and looked up by the background worker."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts import background
from accounts.throttling.services import attempt
from audit.actors import Origin
from config import profiles
from config.limits import Limit
from config.wire.errors import TooManyAttempts
from leaks.models import LeakReport
from leaks.services.stopping import digests_of, stop_leaked

MOST_WAITING = 200  # reports, each with the digests of at most 1,000 texts
RETRY_SECONDS = 30
IN_A_ROUND = 20  # reports; other work of the background thread waits meanwhile
DIGEST_LENGTH = 32  # bytes


def report_leaks(*, tokens: Sequence[str], origin: Origin) -> None:
    """Queue the digests of those texts that are well-formed, to be looked up later.

    Reads no key, so neither the answer nor its time tells whether a text is one. Raises TooManyAttempts, also
    when too many reports wait.
    """
    attempt(Limit.LEAK_REPORT, origin=origin)
    if LeakReport.objects.count() >= MOST_WAITING:
        raise TooManyAttempts(RETRY_SECONDS)
    found = {digest for text in tokens for digest in digests_of(text.strip())}
    if found:
        LeakReport.objects.create(
            digests=b"".join(found), ip=origin.ip, request_id=origin.request_id, reported_at=origin.at
        )


def look_up_reports() -> None:
    """Look up the reports that wait, and stop the keys in them. A report that fails leaves the others."""
    if profiles.active().leaks is None:
        return
    for number in LeakReport.objects.order_by("pk").values_list("pk", flat=True)[:IN_A_ROUND]:
        background.quietly(partial(_look_up_one, number), "a report of leaked keys not looked up yet")


@transaction.atomic
def _look_up_one(number: int) -> None:
    report = LeakReport.objects.select_for_update(skip_locked=True).filter(pk=number).first()
    if report is not None:  # else another process has it
        _look_up(report)
        report.delete()


def _look_up(report: LeakReport) -> None:
    joined = bytes(report.digests)
    found = {joined[at : at + DIGEST_LENGTH]: "" for at in range(0, len(joined), DIGEST_LENGTH)}
    origin = Origin(report.ip, report.request_id, timezone.now())
    stop_leaked(found=found, through="public", origin=origin)
