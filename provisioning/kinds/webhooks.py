"""Webhooks: those of an organization, and outside every organization those for the events of all.

A file names them by their descriptions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from accounts.models import Organization
from accounts.users.names import clean_name
from config.hosts import host_of
from provisioning.changes import Names, Values
from provisioning.documents import Node
from provisioning.kinds.base import Kind, Secret, Wanted, Work, members_of, written
from provisioning.members import Members
from webhooks.changes import WebhookChanges
from webhooks.event_names import clean_events
from webhooks.models import Webhook
from webhooks.services.many import delete_webhooks
from webhooks.services.webhooks import create_webhook, update_webhook
from webhooks.urls_allowed import clean_url

MEMBERS = ("url", "events", "disabled")


@dataclass(frozen=True)
class WantedWebhook(Wanted):
    """A webhook as the file describes it. No events mean all; None leaves `disabled` alone."""

    url: str
    events: tuple[str, ...]
    disabled: bool | None


class Webhooks(Kind[WantedWebhook, Webhook]):
    name, section, is_outside = "webhook", "webhooks", True
    has_secret = deletes_first = True

    def read(self, name: str, node: Node, line: int, within: Members) -> WantedWebhook | None:
        members = members_of(name, node, within)
        if members is None:
            return None
        members.check_known(MEMBERS)
        return WantedWebhook(
            name=within.cleaned(name, lambda: clean_name("name", name), name),
            line=line,
            url=members.cleaned("url", lambda: clean_url(members.text("url") or ""), ""),
            events=members.cleaned("events", lambda: tuple(clean_events(members.texts("events"))), ()),
            disabled=members.flag("disabled"),
        )

    def present(self, organization: Organization | None, now: datetime) -> list[Webhook]:
        return list(Webhook.objects.filter(organization=organization).order_by("pk"))

    def names_of(self, row: Webhook) -> Names:
        name = row.description or host_of(row.url)
        return Names(name, (name,))

    def wanted_values(self, wanted: WantedWebhook) -> Values:
        values: dict[str, Any] = {"url": _told(wanted.url), "events": wanted.events}
        return values if wanted.disabled is None else values | {"disabled": wanted.disabled}

    def present_values(self, row: Webhook) -> Values:
        return {"url": _told(row.url), "events": tuple(row.events), "disabled": not row.is_enabled}

    def exported(self, row: Webhook) -> Mapping[str, Any]:
        return written({**self.present_values(row), "url": row.url})

    def create(self, work: Work, wanted: WantedWebhook) -> Secret:
        new = create_webhook(
            caller=work.caller,
            url=wanted.url,
            organization=work.organization,
            events=wanted.events,
            description=wanted.name,
        )
        if wanted.disabled:
            update_webhook(caller=work.caller, webhook=new.row, changes=WebhookChanges(enabled=False))
        return Secret(work.within, self.name, wanted.name, {"webhook_secret": new.secret or ""})

    def update(self, work: Work, wanted: WantedWebhook, row: Webhook, members: Sequence[str]) -> None:
        changes: dict[str, Any] = {"url": wanted.url, "events": list(wanted.events)}
        changes = {member: changes[member] for member in members if member in changes}
        if "disabled" in members:
            changes["enabled"] = not wanted.disabled
        update_webhook(caller=work.caller, webhook=row, changes=WebhookChanges(**changes))

    def delete(self, work: Work, rows: Sequence[Webhook]) -> None:
        delete_webhooks(caller=work.caller, selected=rows)


def _told(url: str) -> str:
    """Return a URL as plans show and compare it: its path may be a secret."""
    return f"{host_of(url)} ({sha256(url.encode()).hexdigest()[:12]})"
