"""Paths with more than one reading are refused before they are matched."""

import posixpath
import re
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.paths import LONGEST, RefusedPath, segments

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/a", ["a"]),
        ("/a/", ["a"]),
        ("/a/b?c=/../d;e", ["a", "b"]),
        ("/a?", ["a"]),
        ("/%61/%7Eb", ["a", "~b"]),
        ("/a%20b", ["a%20b"]),
        ("/%c3%a9", ["%C3%A9"]),
        ("/a%2Bb+c", ["a+b+c"]),
        ("/u%40example.org", ["u@example.org"]),
        ("/a.b/...c/.d", ["a.b", "...c", ".d"]),
        ("/$-_!*'(),&=:@", ["$-_!*'(),&=:@"]),
    ],
)
def test_a_path_with_one_reading_gives_its_segments(uri: str, expected: list[str]) -> None:
    assert segments(uri) == expected


REFUSED = {
    "not a path": ["", "a", "*", "?", "?/a", "http://host/a", "//host/a", "/http://h/a", " /a", "\t/a"],
    "empty segments": ["/", "//", "//a", "/a//b", "/a//", "///", "/a///", "/?a"],
    "dot segments": ["/.", "/..", "/./a", "/../a", "/a/.", "/a/..", "/a/../b", "/a/./b", "/a/../", "/a/..?x"],
    "encoded dots": ["/%2e", "/%2E%2e/a", "/.%2e/a", "/a/%2e%2e%2fb", "/a%2eb", "/a/..%2fb"],
    "slashes": ["/a%2fb", "/a%2Fb", "/%2f", "/a%5cb", "/a%5Cb", "/a\\b", "/..\\a", "/a\\..\\b"],
    "parameters": ["/a;b", "/a;/b", "/a/;x=1/b", "/a%3bb", "/..;/a", "/a/..;jsessionid=1/b"],
    "NUL and other controls": [
        "/a\x00",
        "/a%00",
        "/a%00/b",
        "/a\nb",
        "/a%0ab",
        "/a%0d%0ab",
        "/a%7f",
        "/a%1b",
    ],
    "broken or double encoding": [
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%%32%66",
        "/a%252fb",
        "/a%25",
        "/a%u002f",
        "/%\uff12f",
    ],
    "not UTF-8": ["/%c0%af", "/%c0%ae%c0%ae", "/%ff", "/a%e9", "/%ed%a0%80", "/%f8%80%80%80%af"],
    "to be encoded": [
        "/é",
        "/\u2215",
        "/a\ud800",
        "/a b",
        "/a ",
        "/a|b",
        "/a{b}",
        "/<a>",
        '/"',
        "/a^b",
        "/`",
        "/[a]",
    ],
    "query and fragment": ["/a#b", "/a%23b", "/a%3fb"],
    "too long": ["/" + "a" * LONGEST, "/a?" + "b" * LONGEST],
}


@pytest.mark.parametrize("uri", [uri for uris in REFUSED.values() for uri in uris])
def test_a_path_that_two_readers_could_read_differently_is_refused(uri: str) -> None:
    with pytest.raises(RefusedPath):
        segments(uri)


def test_the_longest_path_that_is_read_is_read() -> None:
    assert segments("/" + "a" * (LONGEST - 1)) == ["a" * (LONGEST - 1)]


def decoded(uri: str) -> str:
    """Return the path as a service reads it that decodes everything at once."""
    return unquote_to_bytes(uri.partition("?")[0]).decode()


GOOD = [
    "a",
    "b",
    "A",
    ".a",
    "..a",
    "~",
    "@",
    "+",
    ":",
    "&",
    "=",
    "%40",
    "%61",
    "%7e",
    "%3A",
    "%2b",
    "%20",
    "%c3%a9",
    "%C3%a9",
]
BAD = [
    "/",
    ".",
    "..",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "\\",
    ";",
    "%3b",
    "%",
    "%25",
    "%00",
    "#",
    "%ff",
    " ",
    "é",
    "{}",
    "**",
]
SEGMENTS = st.lists(st.sampled_from(GOOD), min_size=1, max_size=4).map("".join)
GOOD_URIS = st.lists(SEGMENTS, min_size=1, max_size=5).map(lambda found: "/" + "/".join(found))
WILD_URIS = st.lists(st.sampled_from([*GOOD, *BAD, "/", "?"]), max_size=12).map(
    lambda found: "/" + "".join(found)
)
URIS = st.one_of(
    GOOD_URIS, GOOD_URIS.map(lambda uri: uri + "/?x"), WILD_URIS, st.text().map(lambda text: "/" + text)
)


def read(uri: str) -> list[str] | None:
    """Return the segments, or None if the path is refused."""
    try:
        return segments(uri)
    except RefusedPath:
        return None


@given(URIS)
def test_whatever_is_accepted_has_one_reading_only(uri: str) -> None:
    found = read(uri)
    if found is None:
        return
    path = decoded(uri)
    assert posixpath.normpath(path) == path.removesuffix("/"), "dot segments or empty ones"
    assert path.count("/") == uri.partition("?")[0].count("/"), "encoded slashes"
    assert path.removesuffix("/").count("/") == len(found)
    assert unquote_to_bytes(path).decode() == path, "decoding twice gives something else"
    assert not re.search(r"[\\;%?#\x00-\x1f\x7f]", path)
    assert urlsplit(f"http://host{uri}").path == uri.partition("?")[0]
    assert decoded("/" + "/".join(found)) == path.removesuffix("/"), "matched otherwise than decoded"
    assert segments("/" + "/".join(found)) == found


@given(GOOD_URIS, st.data())
def test_two_spellings_of_one_path_are_the_same_path_or_refused(uri: str, data: st.DataObject) -> None:
    def spell(character: str) -> str:
        if character == "/" or data.draw(st.booleans()):
            return quote(character, safe="/~@+:&=")
        return "".join(f"%{octet:02{data.draw(st.sampled_from('xX'))}}" for octet in character.encode())

    assert read("".join(spell(character) for character in decoded(uri))) in (segments(uri), None)


@given(st.text())
def test_no_text_at_all_ends_in_anything_but_segments_or_a_refusal(text: str) -> None:
    for uri in (text, "/" + text, "/" + text.encode().decode("latin-1")):
        try:
            assert all(segments(uri))
        except RefusedPath as refused:
            assert str(refused).startswith("the path ")
