"""Reads JSON bodies strictly, and refuses what two parsers could read differently."""

import json
from collections import Counter
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class Repeated:
    """The value of a member or parameter that was sent more than once. No field accepts it."""


REPEATED = Repeated()
MOST_EXACT = 2**53  # beyond it, a float stands for several integers


class StrictJSONParser(BaseParser):
    """JSON in UTF-8, without NaN or Infinity. A leading byte order mark is ignored (RFC 8259 section 8.1).

    Duplicate members (section 4) get the value REPEATED, so that forms name them with all other faults.
    5.0 is the integer 5 (JSON Schema, draft 2020-12, validation, section 6.1.1).
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            text = stream.read().decode("utf-8-sig")
            return json.loads(
                text, object_pairs_hook=_members, parse_constant=_no_constant, parse_float=_number
            )
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from None
        except json.JSONDecodeError as error:
            raise ParseError(
                f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
            ) from None
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError:
            raise ParseError("The body contains a number that is too long.") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        members |= {name: REPEATED for name, count in counts.items() if count > 1}
    return members


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= MOST_EXACT else number


def _no_constant(text: str) -> NoReturn:
    raise ParseError(f"{text} is not JSON.")
