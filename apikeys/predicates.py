"""Conditions on a key's row, for filters and searches, and for counting many things in one query.

PostgreSQL has indexes on scopes, and on the words of names and descriptions, so a search costs the same for
any number of keys. SQLite, which is for small installations, reads the rows.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, F, Func, Lookup, Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import Contains

from accounts.models import Organization, User

EXPIRING = timedelta(days=14)
UNUSED = timedelta(days=90)

NEVER_EXPIRES = Q(expires_at__isnull=True)
UNREVOKED = Q(revoked_at__isnull=True)
ENABLED = Q(disabled_at__isnull=True)
REVOKED = Q(revoked_at__isnull=False)
DISABLED = Q(disabled_at__isnull=False)
IMPORTED = Q(imported_from__isnull=False)
IMPORT_UNUSED = Q(unused_until__isnull=False)

MOST_WORDS, LONGEST_WORD = 10, 100
PUNCTUATION = "-_./:@~+&<>"  # PostgreSQL would read words joined by these as one word
WORDS = f"to_tsvector('simple', translate({{}}, '{PUNCTUATION}', '{' ' * len(PUNCTUATION)}'))"


class Expiry(Func):
    """When a key expires, or the end of time. Unlike the column it has no NULL, so that keys can be sorted.

    The end of time is spelled out, since an index is only used for an expression that is spelled like it.
    """

    template = "COALESCE(%(expressions)s, '9999-12-31 23:59:59')"
    output_field = DateTimeField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        template = "COALESCE(%(expressions)s, '9999-12-31 23:59:59+00'::timestamptz)"
        return super().as_sql(compiler, connection, template=template)


def unended(now: datetime) -> Q:
    """Neither revoked nor expired; it may be disabled."""
    return UNREVOKED & (NEVER_EXPIRES | Q(expires_at__gt=now))


def usable(now: datetime) -> Q:
    """Neither revoked, expired nor disabled."""
    return unended(now) & ENABLED


def expiring(now: datetime, within: timedelta = EXPIRING) -> Q:
    """Usable, and expires soon."""
    return UNREVOKED & ENABLED & Q(expires_at__gt=now, expires_at__lte=now + within)


def unused_since(moment: datetime) -> Q:
    """Created before `moment` and not used since."""
    return Q(created_at__lt=moment) & (Q(last_used_at__isnull=True) | Q(last_used_at__lt=moment))


def by_status(now: datetime) -> dict[str, Q]:
    """Return the condition of each status of ApiKey.status. Every key satisfies exactly one."""
    return {
        "active": usable(now),
        "expired": UNREVOKED & Q(expires_at__lte=now),
        "disabled": unended(now) & DISABLED,
        "revoked": REVOKED,
    }


def statuses(now: datetime) -> dict[str, Q]:
    """Return the condition of each status of ApiKey.shown_status. Every key satisfies exactly one."""
    active = usable(now) & ~Q(expires_at__lte=now + EXPIRING)
    return by_status(now) | {"active": active, "expiring": expiring(now)}


NAME_AND_DESCRIPTION = Func(
    F("name"),
    F("description"),
    template="%(expressions)s",
    arg_joiner=" || ' ' || ",
    output_field=TextField(),
)


class HasWords(Lookup[bool]):
    """Whether a text contains the words of a tsquery, on PostgreSQL."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        text, _ = self.process_lhs(compiler, connection)
        query, parameters = self.process_rhs(compiler, connection)
        return f"{WORDS.format(text)} @@ to_tsquery('simple', {query})", parameters


def matching(text: str) -> Q:
    """Return the condition for keys that match `text`.

    It matches the beginnings of words in a key's name and description, the beginning of the key, and the
    beginning of its owner's name (for the first hundred owners).
    """
    people, organizations = User.objects.beginning(text), Organization.objects.beginning(text)
    owned = Q(user_id__in=people) | Q(organization_id__in=organizations)
    return with_words(text) | Q(key_prefix__startswith=text) | owned


def with_scope(name: str) -> Q:
    """Return the condition for keys with the scope. SQLite stores the list of scopes as text."""
    if connection.features.supports_json_field_contains:
        return Q(scopes__contains=[name])
    return Q(Contains(Cast("scopes", TextField()), f'"{name}"'))


def with_words(text: str) -> Q:
    """Return the condition for keys whose name and description have words that begin with those of `text`."""
    if connection.vendor != "postgresql":
        return Q(name__icontains=text) | Q(description__icontains=text)
    words = re.findall(r"\w+", re.sub(f"[{PUNCTUATION}]", " ", text))[:MOST_WORDS]
    query = " & ".join(f"{word[:LONGEST_WORD]}:*" for word in words)
    return Q(HasWords(NAME_AND_DESCRIPTION, query)) if query else Q(pk__in=[])
