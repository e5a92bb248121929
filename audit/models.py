"""The audit log: append-only rows, each bound to the one before it by a hash."""

import hashlib
import json
from datetime import UTC
from functools import reduce
from operator import or_
from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.events import choices
from config.database.rows import PublicRow

GENESIS = bytes(32)
HASH_VERSION = 2  # the version of the set of fields that `hash` covers
BEGINNINGS = ("varchar_pattern_ops",)  # PostgreSQL's, for LIKE 'text%'


class AppendOnly(Exception):
    """Code tried to change or delete audit events."""


class EventQuerySet(models.QuerySet["Event"]):
    def seen_from(self, *, everywhere: bool, organizations: frozenset[int]) -> "EventQuerySet":
        """Return the events that a global auditor, or an auditor of some organizations, may see."""
        return self if everywhere else self.filter(organization_id__in=organizations)

    def matching(self, text: str) -> "EventQuerySet":
        """Return events with this name, id, address or request id, or whose actor or target begins so.

        Uses indexes only. On PostgreSQL the match of actors and targets is case-sensitive.
        """
        exact = [Q((column, text)) for column in ("name", "actor_id", "target_id", "ip", "request_id")]
        begins = [Q((f"{column}__startswith", text)) for column in ("actor_label", "target_label")]
        return self.filter(reduce(or_, [*exact, *begins]))

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events cannot be changed")

    def delete(self) -> NoReturn:
        raise AppendOnly("audit events cannot be deleted")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events cannot be changed")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events must be written with audit.log.record")

    def _update(self, values: Any) -> NoReturn:
        raise AppendOnly("audit events cannot be changed")

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnly("audit events cannot be deleted")


class Event(PublicRow):
    """One thing that happened. `hash` covers every other field and the hash of the event before.

    `subjects` are the users, organizations, keys, clients … that the event is about, as KIND:UUID.
    """

    sequence = models.BigIntegerField(_("sequence"), primary_key=True)
    occurred_at = models.DateTimeField(db_index=True)
    name = models.CharField(_("event"), max_length=50, choices=choices)
    actor_kind = models.CharField(_("actor kind"), max_length=20)
    actor_id = models.CharField(_("actor id"), max_length=36, blank=True)
    actor_label = models.CharField(_("actor"), max_length=200, blank=True)
    target_kind = models.CharField(_("target kind"), max_length=20, blank=True)
    target_id = models.CharField(_("target id"), max_length=36, blank=True)
    target_label = models.CharField(_("target"), max_length=200, blank=True)
    organization_id = models.BigIntegerField(null=True)
    ip = models.CharField(_("address"), max_length=45, blank=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    subjects = models.JSONField(default=list)
    hash_version = models.PositiveSmallIntegerField(default=HASH_VERSION)
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-sequence",)
        indexes = (
            models.Index(fields=["actor_id", "-sequence"], name="audit_by_actor"),
            models.Index(fields=["target_id", "-sequence"], name="audit_by_target"),
            models.Index(fields=["organization_id", "-sequence"], name="audit_by_organization"),
            models.Index(fields=["name", "-sequence"], name="audit_by_name"),
            models.Index(fields=["actor_kind", "-sequence"], name="audit_by_actor_kind"),
            models.Index(fields=["ip", "-sequence"], name="audit_by_address"),
            models.Index(fields=["request_id"], name="audit_by_request"),
            models.Index(fields=["actor_label"], name="audit_by_actor_label", opclasses=BEGINNINGS),
            models.Index(fields=["target_label"], name="audit_by_target_label", opclasses=BEGINNINGS),
        )

    def __str__(self) -> str:
        return f"{self.sequence} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("audit events cannot be changed")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events cannot be deleted")

    def computed_hash(self) -> bytes:
        """SHA-256 over the previous hash and this event's fields as JSON with sorted members.

        Events of version 1 have no subjects.
        """
        fields: dict[str, Any] = {
            "sequence": self.sequence,
            "uuid": str(self.uuid),
            "occurred_at": self.occurred_at.astimezone(UTC).isoformat(),
            "name": str(self.name),
            "actor": [self.actor_kind, self.actor_id, self.actor_label],
            "target": [self.target_kind, self.target_id, self.target_label],
            "organization_id": self.organization_id,
            "ip": self.ip,
            "request_id": self.request_id,
            "detail": self.detail,
        }
        if self.hash_version > 1:
            fields |= {"subjects": self.subjects, "hash_version": self.hash_version}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(bytes(self.previous_hash) + text.encode()).digest()


class ChainHead(models.Model):
    """The end of the chain, in a single row. Writers lock it, and so append one after another.

    `epoch` grows with every event that changes what somebody may do: see audit.epoch.
    """

    ONLY = 1

    sequence = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=GENESIS)
    epoch = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.sequence}"


class Sink(models.Model):
    """How far a receiver of the audit log is: it has everything up to the event with this number and hash.

    `signed_…` is its last checkpoint. Who claims the sink counts `claim` up, and moves `next_try_at`.
    """

    name = models.CharField(max_length=20, primary_key=True)
    sequence = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=GENESIS)
    signed_sequence = models.BigIntegerField(default=0)
    signed_at = models.DateTimeField(null=True)
    claim = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
