"""The route table: which row matches a request. Pure functions, no Django."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.profiles import ProfileError, active, rules
from config.profiles.schema import Route
from gateway.paths import RefusedPath, segments
from gateway.routes import compile_routes, match
from tests.gateway.routing import row, with_routes

pytestmark = pytest.mark.once

TABLE = (
    row("GET", "/runs"),
    row("POST", "/runs"),
    row("GET", "/runs/{id}"),
    row("GET", "/runs/latest"),
    row("GET DELETE", "/runs/{id}/logs/**"),
    row("GET", "/runs/latest/logs/{name}"),
    row("GET", "/{other}/latest/logs/first"),
    row("HEAD", "/files/{id}"),
    row("GET", "/files/{id}"),
    row("GET", "/files/**"),
    row("PUT", "/users/@me"),
    row("PUT", "/users/{id}"),
)


def found(method: str, uri: str, *table: Route) -> str | None:
    route = match(compile_routes(table or TABLE), method, segments(uri))
    return route.path if route else None


@pytest.mark.parametrize(
    ("method", "uri", "path"),
    [
        ("GET", "/runs", "/runs"),
        ("GET", "/runs/", "/runs"),
        ("GET", "/runs?id=1", "/runs"),
        ("GET", "/runs/?id=/../x", "/runs"),
        ("GET", "/runs/7", "/runs/{id}"),
        ("GET", "/runs/latest", "/runs/latest"),
        ("GET", "/runs/7/logs/a", "/runs/{id}/logs/**"),
        ("GET", "/runs/7/logs/a/b/c/", "/runs/{id}/logs/**"),
        ("GET", "/runs/7/logs", "/runs/{id}/logs/**"),
        ("GET", "/runs/latest/logs/a", "/runs/latest/logs/{name}"),
        ("GET", "/runs/latest/logs/a/b", "/runs/{id}/logs/**"),
        ("DELETE", "/runs/latest/logs/a", "/runs/{id}/logs/**"),
        ("GET", "/runs/latest/logs/first", "/runs/latest/logs/{name}"),
        ("GET", "/else/latest/logs/first", "/{other}/latest/logs/first"),
        ("GET", "/files/7", "/files/{id}"),
        ("GET", "/files/7/8", "/files/**"),
        ("PUT", "/users/@me", "/users/@me"),
        ("PUT", "/users/%40me", "/users/@me"),
        ("PUT", "/users/%40m%65/", "/users/@me"),
        ("PUT", "/users/me", "/users/{id}"),
    ],
)
def test_the_most_specific_row_is_found(method: str, uri: str, path: str) -> None:
    assert found(method, uri) == path


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("DELETE", "/runs"),
        ("POST", "/runs/7"),
        ("get", "/runs"),
        ("GET,POST", "/runs"),
        ("GET ", "/runs"),
        ("", "/runs"),
        ("OPTIONS", "/runs"),
        ("GET", "/run"),
        ("GET", "/runss"),
        ("GET", "/runs/7/8"),
        ("GET", "/runs/7/log"),
        ("GET", "/**"),
        ("GET", "/%7B%7D"),
    ],
)
def test_what_is_in_no_row_is_not_found(method: str, uri: str) -> None:
    assert found(method, uri) is None


def test_head_follows_get_unless_it_has_a_row_of_its_own() -> None:
    assert found("HEAD", "/runs/7") == "/runs/{id}"
    own, get = row("HEAD", "/x", scopes="a"), row("GET", "/x", scopes="b")
    for table in ((own, get), (get, own)):
        assert match(compile_routes(table), "HEAD", ["x"]) is own
        assert match(compile_routes(table), "GET", ["x"]) is get


def test_head_does_not_follow_other_methods() -> None:
    assert found("HEAD", "/users/@me") is None


def test_the_order_of_rows_makes_no_difference() -> None:
    for uri in ("/runs/latest", "/runs/7", "/runs/latest/logs/a", "/files/7"):
        assert found("GET", uri, *reversed(TABLE)) == found("GET", uri)


@pytest.mark.parametrize("uri", ["/Runs/7", "/runs/LATEST", "/RUNS", "/runs/Latest/logs/a", "/runs%20"])
def test_a_word_in_another_spelling_is_refused_where_the_word_could_stand(uri: str) -> None:
    with pytest.raises(RefusedPath, match="capitals"):
        found("GET", uri)


def test_capitals_where_no_word_stands_are_as_good_as_any() -> None:
    assert found("GET", "/files/RUNS/Latest") == "/files/**"


STRICT = (
    row("GET", "/services/vault/**", scopes="services:write"),
    row("GET", "/services/**", scopes="services:read"),
    row("GET", "/services/{service}/.well-known/favicon.ico", "none"),
    row("GET", "/services/{service}/.well-known/{name}"),
)


@pytest.mark.parametrize(
    "segment",
    [
        "vault.json",
        "vault.",
        "vault..",
        "vault.tar.gz",
        "Vault.JSON",
        "v%61ult.xml",
        "vault%20",
        "%20vault",
        "vault%20.json",
        "vault%C2%A0",
        "%EF%BD%96ault",
        "vault%E2%80%A4json",
    ],
)
def test_a_word_with_an_ending_or_in_other_characters_does_not_lead_past_its_row(segment: str) -> None:
    for uri in (f"/services/{segment}", f"/services/{segment}/gold", f"/services/{segment}/.well-known/x"):
        with pytest.raises(RefusedPath, match="word of the route table"):
            found("GET", uri, *STRICT)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/services/vaults", "/services/**"),
        ("/services/vault-2.json", "/services/**"),
        ("/services/my.vault", "/services/**"),
        ("/services/va%20ul", "/services/**"),
        ("/services/%7B%7D", "/services/**"),
        ("/services/.vault", "/services/**"),
        ("/services/stock.json/items.json", "/services/**"),
        ("/services/a/.well-known/favicon.ico", "/services/{service}/.well-known/favicon.ico"),
        ("/services/a/.well-known/favicon", "/services/{service}/.well-known/{name}"),
        ("/services/a/.well-known/favicon.png", "/services/{service}/.well-known/{name}"),
        ("/services/a/.git/x", "/services/**"),
    ],
)
def test_what_no_service_takes_for_a_word_is_no_word(uri: str, path: str) -> None:
    assert found("GET", uri, *STRICT) == path


@given(st.data())
def test_however_a_word_is_spelled_it_is_under_its_own_row_or_refused(data: st.DataObject) -> None:
    def spell(letter: str) -> str:
        wide = quote(chr(ord(letter) + 0xFEE0))
        return data.draw(st.sampled_from([letter, letter.upper(), f"%{ord(letter):02x}", wide]))

    ending = st.lists(st.sampled_from([".", "%20", "%C2%A0", "%EF%BC%8E", ".json"]), max_size=3).map("".join)
    segment = "".join(map(spell, "vault")) + data.draw(ending)
    for uri in (f"/services/{segment}", f"/services/{segment}/gold/"):
        try:
            assert found("GET", uri, *STRICT) == "/services/vault/**"
        except RefusedPath as refused:
            assert "word of the route table" in str(refused)


def test_an_empty_table_finds_nothing() -> None:
    assert match(compile_routes(()), "GET", ["x"]) is None


def test_a_long_path_is_matched_without_trouble() -> None:
    assert found("GET", "/files" + "/a" * 3_990) == "/files/**"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (row("GET", "/runs/{id}"), row("POST GET", "/runs/{name}")),
        (row("GET", "/runs/**"), row("GET", "/runs/**")),
        (row("GET", "/runs"), row("GET", "/runs")),
    ],
)
def test_rows_that_no_request_tells_apart_are_refused_with_the_profile(one: Route, two: Route) -> None:
    with pytest.raises(ProfileError, match=r"routes\[2\]"):
        rules.check("test", with_routes(one, two).file)


def test_every_row_of_the_shipped_profile_is_found_by_its_own_path() -> None:
    table = active().routes
    for route in table:
        path = route.path.replace("{service}", "stock").replace("**", "a/b")
        for method in route.methods:
            assert match(compile_routes(table), method, segments(path)) is route
