"""From which networks a key was used, and the notice of a new one.

The writer of uses stores networks, once a second, never during a request. The sender of mail decides later
whether the owner is told: not of the first network of a key.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Min

from accounts.notifications.kinds import Notification
from apikeys.models import ApiKey
from apikeys.notices.models import KeyNetwork
from apikeys.notices.walks import BATCH
from apikeys.notices.writing import Due, Told, tell
from audit.actors import Origin
from config import profiles
from config.database.sql import rows_query
from config.wire.fields import timestamp

MOST_NETWORKS = 50  # of one key; a key that has roamed through so many is not watched any more
IPV4_BITS, IPV6_BITS = 24, 48  # what one site usually has

_SEE = """
    INSERT INTO apikeys_keynetwork (key_id, network, first_used_at, is_new)
    SELECT used.column1, used.column2, used.column3, true FROM ({rows}) AS used
    WHERE (SELECT count(*) FROM apikeys_keynetwork known WHERE known.key_id = used.column1) < {most}
    ON CONFLICT (key_id, network) DO NOTHING
"""


class Seen(NamedTuple):
    """A use of a key from an address. `key` is the key's primary key."""

    key: int
    ip: str
    at: datetime


@lru_cache(maxsize=10_000)
def network_of(ip: str) -> str:
    """Return the network that counts as one place: the /24 of an IPv4 address, the /48 of an IPv6 address."""
    bits = IPV4_BITS if isinstance(ip_address(ip), IPv4Address) else IPV6_BITS
    return str(ip_network(f"{ip}/{bits}", strict=False))


def see(uses: Iterable[Seen]) -> None:
    """Store the networks of these uses that are not stored yet, in one statement."""
    if not profiles.active().notices.new_networks:
        return
    first: dict[tuple[int, str], datetime] = {}
    for use in uses:
        if use.ip:
            place = use.key, network_of(use.ip)
            first[place] = min(use.at, first.get(place, use.at))
    moment = connection.ops.adapt_datetimefield_value
    rows = sorted((key, network, str(moment(at))) for (key, network), at in first.items())
    if rows:
        given = rows_query(("bigint", "text", "timestamptz"), rows)
        with connection.cursor() as cursor:
            cursor.execute(_SEE.format(rows=given.query, most=MOST_NETWORKS), given.values)


def tell_new_networks(origin: Origin) -> list[Told] | None:
    """Tell of one batch of new networks; None if no more are there."""
    fresh = KeyNetwork.objects.filter(is_new=True).order_by("pk")
    if not fresh.exists():  # on SQLite, the transaction would lock out all writers
        return None
    with transaction.atomic():
        found = list(fresh.select_for_update(skip_locked=True)[:BATCH])
        KeyNetwork.objects.filter(pk__in=[each.pk for each in found]).update(is_new=False)
        return tell(Notification.NEW_NETWORK, _due(found, origin.at), origin) if found else None


def _due(found: Sequence[KeyNetwork], now: datetime) -> list[Due]:
    numbers = {each.key_id for each in found}
    firsts = KeyNetwork.objects.filter(key__in=numbers).values("key").annotate(first=Min("pk"))
    first = set(firsts.values_list("first", flat=True))
    usable = ApiKey.objects.usable(now).filter(pk__in=numbers).select_related("user", "organization")
    keys = {key.pk: key for key in usable}
    return [
        Due(
            keys[each.key_id],
            each.network,
            {"network": each.network, "first_used_at": timestamp(each.first_used_at)},
        )
        for each in found
        if each.pk not in first and each.key_id in keys
    ]
