"""Webhooks, and the attempts to send to them."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from access.principals import Principal
from accounts.models import Organization, User
from accounts.second_factor.seed_encryption import decrypt
from config.database.rows import EditedRow, PublicRow
from config.hosts import host_of
from config.profiles import Capability

LONGEST_URL = 2_000
LONGEST_DESCRIPTION = 100


class Stop(models.TextChoices):
    """Why a webhook is disabled."""

    BY_HAND = "by_hand", _("disabled by hand")
    FAILING = "failing", _("its receiver did not answer with 2xx for days")
    GONE = "gone", _("its receiver answered 410 Gone")
    NO_POWER = "no_power", _("the person who set it up may no longer read these events")


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, principal: Principal) -> "WebhookQuerySet":
        """Webhooks for events that the caller may read."""
        reach = principal.reach(Capability.READ_AUDIT)
        return self if reach.everywhere else self.filter(organization__in=reach.organizations)

    def matching(self, text: str) -> "WebhookQuerySet":
        """Webhooks with `text` in their URL or description, whatever its case."""
        return self.filter(Q(url__icontains=text) | Q(description__icontains=text))


class Webhook(PublicRow, EditedRow):
    """Where events are sent: those of one organization, or, without one, all.

    `subscriber` is the person who made it or changed it last: it sends only what they may read. One that an
    operator set up at the command line has none, and says so. `events` are dotted names; empty means all.

    `cursor` is the number of the last event in the audit log that it is done with. `turn` counts the turns in
    which processes send for it; a process that finds another number has lost its turn.
    """

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="webhooks", null=True, verbose_name=_("organization")
    )
    subscriber = models.ForeignKey(
        User, models.SET_NULL, related_name="webhooks", null=True, verbose_name=_("set up by")
    )
    is_operators = models.BooleanField(default=False, editable=False)
    url = models.CharField(_("URL"), max_length=LONGEST_URL)
    description = models.CharField(_("description"), max_length=LONGEST_DESCRIPTION, blank=True)
    events = models.JSONField(_("events"), default=list)
    secret = models.TextField(editable=False)  # encrypted with the current seed key
    old_secrets = models.JSONField(
        default=list, editable=False
    )  # [[encrypted, seconds since 1970 of its end]]
    created_at = models.DateTimeField(_("created"), editable=False)
    disabled_at = models.DateTimeField(_("disabled"), null=True, editable=False)
    stop = models.CharField(_("why"), max_length=10, blank=True, choices=Stop.choices, editable=False)

    cursor = models.BigIntegerField(editable=False)
    replay_after = models.BigIntegerField(null=True, editable=False)
    replay_until = models.BigIntegerField(null=True, editable=False)
    test_id = models.UUIDField(null=True, editable=False)
    turn = models.BigIntegerField(default=0, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    next_try_at = models.DateTimeField(editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["next_try_at"], condition=Q(disabled_at=None), name="webhooks_by_next_try"),
        )

    def __str__(self) -> str:
        return host_of(self.url)  # a path may contain a secret

    def __repr__(self) -> str:
        return f"<Webhook {self.pk}>"

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    def secrets(self, now: datetime) -> list[str]:
        """Return the secrets that sign at `now`, the newest first; none whose seed key is missing."""
        kept = [self.secret, *self.ending_secrets(now)]
        return [found.decode() for found in map(decrypt, kept) if found is not None]

    def ending_secrets(self, now: datetime) -> list[str]:
        """Return the secrets of before that still sign at `now`, encrypted."""
        return [text for text, ends_at in self.old_secrets if ends_at > now.timestamp()]


class Delivery(models.Model):
    """One attempt to send one message: the status of the answer, or why there was none. Never its body."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    message_id = models.UUIDField()
    event = models.CharField(max_length=50)
    sent_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook_id}"

    @property
    def arrived(self) -> bool:
        """Whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300
