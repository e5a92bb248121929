"""Notices to the owners of keys, those that a mail still has to list, and how far the servers have looked."""

from django.db import models
from django.db.models import Q

from accounts.models import Mail
from accounts.notifications.kinds import Notification

MARK_LENGTH = 200


class KeyNotice(models.Model):
    """One thing that a key's owner is told once. `mark` tells it from others of its kind.

    The mark of an expiry has the expiry and the number of days before it, that of a key without use the time
    of its last use. Like KeyUse, the table has no foreign key to keys; `manage.py prune` deletes old rows.
    """

    key = models.ForeignKey(
        "apikeys.ApiKey", models.DO_NOTHING, related_name="notices", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in Notification])
    mark = models.CharField(max_length=MARK_LENGTH)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("key", "kind", "mark"), name="key_notice_is_written_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.mark}"


class KeyNews(models.Model):
    """A notice that a mail lists. It is deleted with the mail: when the mail is sent, or given up."""

    mail = models.ForeignKey(Mail, models.CASCADE, related_name="key_news")
    notice = models.ForeignKey(KeyNotice, models.CASCADE, related_name="news")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("mail", "notice"), name="key_news_is_once_in_a_mail"),)

    def __str__(self) -> str:
        return f"{self.notice} in {self.mail}"


class KeyNetwork(models.Model):
    """A network from which a key was used. `is_new` until somebody has decided whether to tell the owner.

    It has no foreign key in the database, either.
    """

    key = models.ForeignKey(
        "apikeys.ApiKey", models.DO_NOTHING, related_name="networks", db_constraint=False, db_index=False
    )
    network = models.CharField(max_length=43)
    first_used_at = models.DateTimeField()
    is_new = models.BooleanField(default=True, db_default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "network"), name="key_network_is_in_one_row"),)
        indexes = (models.Index(fields=("id",), condition=Q(is_new=True), name="key_network_to_tell"),)

    def __str__(self) -> str:
        return self.network


class KeyWalk(models.Model):
    """How far the servers have come on a walk over keys: one server at a time holds the row's lock."""

    name = models.CharField(max_length=20, primary_key=True)
    reached_at = models.DateTimeField()
    reached_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
