"""Finds keys for the admin's list with indexes, so that the cost does not grow with the number of keys.

PostgreSQL has indexes on the words of names and on scopes. SQLite, which is for small installations, reads
the rows.
"""

import re
from typing import Any

from django.db import connection
from django.db.models import F, Lookup, Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import Contains

from accounts.models import Organization, User

MOST_WORDS, LONGEST_WORD = 10, 100
PUNCTUATION = "-_./:@~+&<>"  # PostgreSQL would read words joined by these as one word
WORDS = f"to_tsvector('simple', translate({{}}, '{PUNCTUATION}', '{' ' * len(PUNCTUATION)}'))"


class HasWords(Lookup[bool]):
    """Whether a text contains the words of a tsquery, on PostgreSQL."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        text, _ = self.process_lhs(compiler, connection)
        query, parameters = self.process_rhs(compiler, connection)
        return f"{WORDS.format(text)} @@ to_tsquery('simple', {query})", parameters


def matching(text: str) -> Q:
    """Return the condition for keys that match `text`.

    It matches the beginnings of words in a key's name, the beginning of the key, and the beginning of its
    owner's name (for the first hundred owners).
    """
    people, organizations = User.objects.beginning(text), Organization.objects.beginning(text)
    owned = Q(user_id__in=people) | Q(organization_id__in=organizations)
    return _named(text) | Q(key_prefix__startswith=text) | owned


def with_scope(name: str) -> Q:
    """Return the condition for keys with the scope. SQLite stores the list of scopes as text."""
    if connection.features.supports_json_field_contains:
        return Q(scopes__contains=[name])
    return Q(Contains(Cast("scopes", TextField()), f'"{name}"'))


def _named(text: str) -> Q:
    if connection.vendor != "postgresql":
        return Q(name__icontains=text)
    words = re.findall(r"\w+", re.sub(f"[{PUNCTUATION}]", " ", text))[:MOST_WORDS]
    query = " & ".join(f"{word[:LONGEST_WORD]}:*" for word in words)
    return Q(HasWords(F("name"), query)) if query else Q(pk__in=[])
