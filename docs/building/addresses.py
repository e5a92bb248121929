"""Pages load nothing from other hosts: no script, style, font or image."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "use": "href"}
FOREIGN = re.compile(r"^(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


def foreign_in_page(html: str) -> list[str]:
    """Return the addresses at other hosts that a browser would load with this page."""
    parser = _Loaded()
    parser.feed(html)
    return [*filter(FOREIGN.match, parser.found), *foreign_in_style(html)]


def foreign_in_style(css: str) -> list[str]:
    """Return the addresses at other hosts that a style loads."""
    return IN_STYLES.findall(css)


class _Loaded(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if value and name == LOADED.get(tag)]
        self.found += [each for name, value in attrs if name == "srcset" for each in _candidates(value or "")]


def _candidates(srcset: str) -> Iterator[str]:
    for candidate in srcset.split(","):
        yield from candidate.split()[:1]
