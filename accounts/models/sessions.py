"""The sessions in which people are logged in."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from config import profiles
from config.database.rows import PublicRow


def idle_time() -> timedelta:
    """Return how long a session lives without a refresh."""
    return timedelta(seconds=profiles.active().login.session_idle_seconds)


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: datetime) -> "SessionQuerySet":
        """Sessions that have not ended by hand, by age or by idleness. Does not check the person."""
        return self.filter(ended_at__isnull=True, expires_at__gt=now, last_seen_at__gt=now - idle_time())

    def ended_before(self, moment: datetime) -> "SessionQuerySet":
        """Sessions that had ended at `moment`, for any reason."""
        return self.filter(
            Q(ended_at__lte=moment) | Q(expires_at__lte=moment) | Q(last_seen_at__lte=moment - idle_time())
        )


class Session(PublicRow):
    """One login of one person. Its uuid is the `sid` of both tokens.

    `refresh_digest` is the SHA-256 of the id of the current refresh token. `refreshed_from` is the IP address
    that got it by a refresh, if known. `expires_at` is when the session ends at the latest. `second_factor`
    says whether the login proved one.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="sessions", verbose_name=_("user"))
    refresh_digest = models.BinaryField(max_length=32)
    refreshed_from = models.CharField(max_length=45, null=True, editable=False)
    ip = models.CharField(_("address"), max_length=45, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=200, blank=True)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    second_factor = models.BooleanField(_("second factor"), default=False)
    ended_at = models.DateTimeField(null=True)
    issue_recorded_at = models.DateTimeField(null=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"session of {self.user}"

    @property
    def ends_at(self) -> datetime:
        """When the session ended, or will end by age or by idleness."""
        return min(self.ended_at or self.expires_at, self.expires_at, self.last_seen_at + idle_time())
