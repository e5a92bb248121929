"""The mails that tell people about keys, made when they are sent: what no longer holds is left out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse

from accounts.mail.messages import Message, Template
from accounts.models import Mail, User
from accounts.notifications.kinds import Notification, wants
from accounts.notifications.unsubscribe import headers_of, link_of
from apikeys.models import LAST_DAY, ApiKey, KeyUse, Outcome, first_of_hours
from apikeys.notices import expiring, unused
from apikeys.notices.models import KeyNews
from apikeys.notices.recipients import concerns
from apikeys.notices.walks import with_rotation
from apikeys.notices.writing import MOST_IN_A_MAIL
from audit.actors import Origin

MOST_SCOPES = 5  # that a mail names


class Line(NamedTuple):
    """What a mail says about a key: `mark` is that of the notice, and `told_at` when it was written."""

    key: ApiKey
    mark: str
    told_at: datetime

    @property
    def page(self) -> str:
        """The address of the key's page in the console."""
        return f"{settings.PUBLIC_URL}{reverse('console-key', args=[self.key.uuid])}"

    @property
    def disabled_from(self) -> datetime | None:
        """When the key is disabled if it is not used until then."""
        return unused.disabled_from(self.told_at)

    @property
    def last_scopes(self) -> str:
        """The scopes that the key used last."""
        return ", ".join(
            self.key.scope_uses.order_by("-last_used_at").values_list("scope", flat=True)[:MOST_SCOPES]
        )

    @property
    def lately(self) -> int:
        """The number of allowed requests in the 24 hours before the notice."""
        hours = KeyUse.objects.hours(first_of_hours(LAST_DAY, self.told_at)).filter(key=self.key)
        return sum(use.count for use in hours if use.outcome == Outcome.ALLOWED)


def prepare_notices(mail: Mail, origin: Origin) -> Message | None:
    """Return the mail about keys that expire or are not used; None if nothing is left to say."""
    person = _person(mail)
    if person is None:
        return None
    lines = _lines(mail, person)
    expiring_soon = _unique(lines(Notification.EXPIRING, lambda line: _is_expiring(line, origin.at)))
    idle = _unique(lines(Notification.UNUSED, lambda line: _is_idle(line, origin.at)))
    disabled = _unique(lines(Notification.UNUSED, _is_disabled))
    still_used = _unique(lines(Notification.STILL_USED, lambda line: line.key.revoked_at is None))
    listed = [*still_used, *expiring_soon, *idle, *disabled]
    if not listed:
        return None
    values = {
        "still_used": still_used,
        "expiring": sorted(expiring_soon, key=lambda line: line.key.expires_at or origin.at),
        "idle": idle,
        "disabled": disabled,
        "only": listed[0].key if len(listed) == 1 else None,
    }
    return _message(mail, person, Template.KEY_NOTICES, values, headers_of(link_of(person)))


def prepare_warnings(mail: Mail, origin: Origin) -> Message | None:
    """Return the security mail: keys that were found in public, or used from a new network."""
    person = _person(mail)
    if person is None:
        return None
    lines = _lines(mail, person)
    leaked = lines(Notification.LEAKED, lambda line: True)
    roaming = lines(Notification.NEW_NETWORK, lambda line: line.key.status(origin.at) == "active")
    listed = [*leaked, *roaming]
    if not listed:
        return None
    values = {
        "leaked": leaked,
        "roaming": roaming,
        "only": listed[0].key if len({line.key.pk for line in listed}) == 1 else None,
    }
    return _message(mail, person, Template.KEY_WARNINGS, values, {})


def _message(
    mail: Mail, person: User, template: Template, values: dict[str, Any], headers: dict[str, str]
) -> Message:
    common = {
        "more": KeyNews.objects.filter(mail=mail).count() > MOST_IN_A_MAIL,
        "keys_page": f"{settings.PUBLIC_URL}{reverse('console-keys')}",
        "choice_page": f"{settings.PUBLIC_URL}{reverse('console-mails')}",
        "unsubscribe": link_of(person),
    }
    return Message(person.email, template, common | values, headers)


def _person(mail: Mail) -> User | None:
    return User.objects.filter(pk=mail.about, is_active=True).first()


def _lines(mail: Mail, person: User) -> Callable[[Notification, Callable[[Line], bool]], list[Line]]:
    """Return a function for the mail's lines of a kind, if the person still wants and may see them."""
    news = list(KeyNews.objects.filter(mail=mail).select_related("notice").order_by("pk")[:MOST_IN_A_MAIL])
    numbers = {each.notice.key_id for each in news}
    keys = {key.pk: key for key in with_rotation(ApiKey.objects.filter(pk__in=numbers))}
    is_concerned = concerns(person)

    def lines(kind: Notification, holds: Callable[[Line], bool]) -> list[Line]:
        if not wants(kind, person.notifications):
            return []
        found = [
            Line(keys[each.notice.key_id], each.notice.mark, each.notice.created_at)
            for each in news
            if each.notice.kind == kind and each.notice.key_id in keys
        ]
        return [line for line in found if is_concerned(line.key) and holds(line)]

    return lines


def _unique(lines: Sequence[Line]) -> list[Line]:
    """Return the last line about each key."""
    return list({line.key.pk: line for line in lines}.values())


def _is_expiring(line: Line, now: datetime) -> bool:
    return expiring.still_holds(line.key, line.mark, now)


def _is_idle(line: Line, now: datetime) -> bool:
    return unused.still_holds(line.key, line.mark, now)


def _is_disabled(line: Line) -> bool:
    return line.mark.startswith(unused.DISABLED) and line.key.disabled_at is not None
