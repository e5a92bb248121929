"""ETag and If-Match: change a row only if nobody has edited it since the client read it.

The tag is strong, as If-Match requires (RFC 9110 sections 8.8.3 and 13.1.1). It names the version of what
people edit. The same answer may show values that moved since, such as a last use, so the tag is for If-Match
alone: If-None-Match is not evaluated.
"""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.crypto import salted_hmac
from rest_framework.request import Request

from config.wire.errors import Invalid, PreconditionFailed

TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
TAGS = re.compile(rf"[ \t,]*{TAG.pattern}(?:[ \t]*,[ \t,]*{TAG.pattern})*[ \t,]*")  # RFC 9110 section 5.6.1
LENGTH = 20  # hexadecimal digits


class Versioned(Protocol):
    """A row with a version, which its edits alone move."""

    pk: Any
    version: int


def etag(row: Versioned) -> str:
    """Return the entity tag of a row's version. It tells nothing about the row."""
    named = f"{type(row).__name__} {row.pk} {row.version}"
    return f'"{salted_hmac("keyhouse.etag", named, algorithm="sha256").hexdigest()[:LENGTH]}"'


@dataclass(frozen=True, slots=True)
class Expected:
    """The entity tags of which the row to change must have one; None if any version will do."""

    tags: frozenset[str] | None = None

    def check(self, row: Versioned) -> None:
        """Raise PreconditionFailed if the row has another version. Call it when the row is locked."""
        if self.tags is not None and (current := etag(row)) not in self.tags:
            raise PreconditionFailed(current, is_weak=f"W/{current}" in self.tags)


ANY_VERSION = Expected()


def expected_by(request: Request) -> Expected:
    """Return what If-Match asks for. Raises Invalid for a value that is neither * nor a list of tags.

    A weak tag (W/"…") never matches, because If-Match compares strongly.
    """
    text = request.headers.get("If-Match")
    if text is None or text.strip(" \t") == "*":
        return ANY_VERSION
    if not TAGS.fullmatch(text):
        raise Invalid("If-Match", 'must be * or the ETag of an earlier answer, in its quotes: "5f3a9c"')
    return Expected(frozenset(TAG.findall(text)))
