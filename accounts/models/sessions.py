"""The sessions in which people are logged in."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User
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
    says whether the login proved one. `proven_again_at` is when the person last proved who they are, if that
    was not with the login. If only an organization's identity provider vouches for the person, `organization`
    is that one, and the login may do what its provider can give; `provider_session` is the session at the
    provider (OpenID Connect `sid`), or "".
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
    proven_again_at = models.DateTimeField(null=True, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, editable=False)
    provider_session = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)
    ended_at = models.DateTimeField(null=True)
    issue_recorded_at = models.DateTimeField(null=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ("-pk",)
        indexes = (
            models.Index(
                fields=["provider_session"],
                name="accounts_by_provider_session",
                condition=~Q(provider_session=""),
            ),
        )

    def __str__(self) -> str:
        return f"session of {self.user}"

    @property
    def proven_at(self) -> datetime:
        """When the person last proved who they are: at the login, or after it."""
        return self.proven_again_at or self.created_at

    def is_live(self, now: datetime) -> bool:
        """Whether it has not ended by hand, by age or by idleness, as `live` asks of many."""
        return self.ended_at is None and self.ends_at > now

    @property
    def ends_at(self) -> datetime:
        """When the session ended, or will end by age or by idleness."""
        return min(self.ended_at or self.expires_at, self.expires_at, self.last_seen_at + idle_time())
