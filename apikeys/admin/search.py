"""Finding keys for the admin's list by looks into indexes, however many keys there are.

PostgreSQL has indexes of the words of names and of scopes; SQLite, which is for small
installations, reads the rows.
"""

import re
from typing import Any

from django.db import connection
from django.db.models import F, Lookup, Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import Contains

from accounts.models import Organization, User

MOST_WORDS, LONGEST_WORD = 10, 100
PUNCTUATION = "-_./:@~+&<>"  # PostgreSQL would take words with these between them for one
WORDS = f"to_tsvector('simple', translate({{}}, '{PUNCTUATION}', '{' ' * len(PUNCTUATION)}'))"


class HasWords(Lookup[bool]):
    """Whether a text has the words of a tsquery: on PostgreSQL."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        text, _ = self.process_lhs(compiler, connection)
        query, parameters = self.process_rhs(compiler, connection)
        return f"{WORDS.format(text)} @@ to_tsquery('simple', {query})", parameters


def matching(text: str) -> Q:
    """Keys whose name has words that begin like those in `text`; or which, or whose owner's names, begin so.

    Of owners the first hundred.
    """
    people, organizations = User.objects.beginning(text), Organization.objects.beginning(text)
    owned = Q(user_id__in=people) | Q(organization_id__in=organizations)
    return _named(text) | Q(key_prefix__startswith=text) | owned


def with_scope(name: str) -> Q:
    """Keys that were given the scope. SQLite reads the list as the text that it is stored as."""
    if connection.features.supports_json_field_contains:
        return Q(scopes__contains=[name])
    return Q(Contains(Cast("scopes", TextField()), f'"{name}"'))


def _named(text: str) -> Q:
    if connection.vendor != "postgresql":
        return Q(name__icontains=text)
    words = re.findall(r"\w+", re.sub(f"[{PUNCTUATION}]", " ", text))[:MOST_WORDS]
    query = " & ".join(f"{word[:LONGEST_WORD]}:*" for word in words)
    return Q(HasWords(F("name"), query)) if query else Q(pk__in=[])
