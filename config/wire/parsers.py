"""Reads JSON bodies strictly, and refuses what two parsers could read differently."""

import json
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from config.wire.errors import shown


class StrictJSONParser(BaseParser):
    """JSON in UTF-8, without duplicate members (RFC 8259 section 4), NaN or Infinity.

    A leading byte order mark is ignored (section 8.1).
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            text = stream.read().decode("utf-8-sig")
            return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
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


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ParseError(f"The member '{shown(name)}' is repeated in the body.")
        members[name] = value
    return members


def _no_constant(text: str) -> NoReturn:
    raise ParseError(f"{text} is not JSON.")
