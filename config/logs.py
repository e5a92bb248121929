"""Log lines that stay one line, whatever a caller put into them."""

import logging


class OneLineFormatter(logging.Formatter):
    """time level logger message, with control characters (CR, LF, ANSI escapes) written as escapes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        return escape(super().formatMessage(record))


def escape(text: str) -> str:
    """Return `text` with everything unprintable as \\x, \\u or \\U escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
