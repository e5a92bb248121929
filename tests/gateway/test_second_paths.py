"""A request that names a second path is allowed only if its caller may call that path, too."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from audit.models import Event
from config import profiles
from config.profiles import ProfileError, rules
from gateway.paths import RefusedPath, segments
from gateway.second_paths import KNOWN, second_paths, variable
from tests.config.profiles.test_profile_rules import route
from tests.conftest import Api, Cast, assert_problem, make_key, with_key
from tests.gateway.routing import row, with_routes

pytestmark = pytest.mark.once

HOST = "dav.example.org:8443"
MOVE = replace(row("MOVE", "/dav/**", "key"), second_paths={"Destination": "PUT"})
OPEN_TO_ALL = row("GET", "/open", "none")


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    table = (
        MOVE,
        OPEN_TO_ALL,
        row("PUT", "/dav/**", "key", "services:read"),
        row("PUT", "/dav/closed/**", "key", "services:write"),
        row("PUT", "/dav/drop/{name}", "none"),
        row("PUT", "/objects/{name}", "key"),
    )
    with profiles.override(with_routes(*table)):
        yield


def move(api: Api, destination: str, **headers: str) -> Any:
    sent = {"X-Original-Method": "MOVE", "X-Original-URI": "/dav/a", "X-Forwarded-Host": HOST}
    return api.get("/gateway/check", headers=sent | {"Destination": destination} | headers)


@pytest.fixture
def reader(cast: Cast) -> Api:
    return with_key(make_key(cast.alice, "services:read"))


ALLOWED = [
    "/dav/b",
    "/dav/sub/b/",
    "/dav/cl%6Fse/b",
    "/dav/drop/b",
    "/dav/b%20c",
    f"http://{HOST}/dav/b",
    f"HTTPS://{HOST.upper()}/dav/b",
    f"http://{HOST.replace(':', '.:0')}/dav/b",
]


@pytest.mark.parametrize("destination", ALLOWED)
def test_a_destination_that_the_caller_may_write_is_allowed(reader: Api, destination: str) -> None:
    assert move(reader, destination).status_code == 200


@pytest.mark.parametrize(
    "destination",
    [
        "/dav/closed/b",
        "/dav/closed",
        "/dav/cl%6Fsed/b",
        f"http://{HOST}/dav/closed/b",
        f"https://{HOST}/dav/closed",
    ],
)
def test_a_destination_that_the_caller_may_not_write_is_refused(
    reader: Api, cast: Cast, destination: str
) -> None:
    assert_problem(move(reader, destination), 403, "insufficient_scope")
    path = destination[destination.index("/dav/") :]
    assert Event.objects.get(name="access:denied").target_label == f"PUT {path}"
    assert move(with_key(make_key(cast.alice, "services:write")), destination).status_code == 200


TRICKS = [
    "/dav/b/../closed/c",
    "/dav/./closed/c",
    "/dav/%2e%2e/dav/closed/c",
    "/dav//closed/c",
    "//dav/closed/c",
    "/dav/b/..%2fclosed/c",
    "/dav/b%2f..%2fclosed/c",
    "/dav/%252e%252e/c",
    "/dav/closed;x/c",
    "/dav/b\\..\\closed",
    "/dav/CLOSED/c",
    "/dav/closed.txt",
    "/dav/b?/../closed/c",
    "/dav/b#/../closed/c",
    "/dav/closed%00/c",
    "/dav/b,/dav/closed/c",
    "/dav/b, /dav/closed/c",
    "",
    " ",
    "dav/b",
    "b",
    "*",
    "/",
    "/dav/é",
    "/dav/b c",
    "http://other.example.org/dav/b",
    "http://dav.example.org/dav/b",
    f"http://{HOST}",
    f"http://{HOST}@evil/dav/b",
    f"http://evil@{HOST}/dav/b",
    f"http://{HOST}\\@evil/dav/b",
    f"http://{HOST}?/dav/b",
    f"http://{HOST}#/dav/b",
    f"//{HOST}/dav/b",
    f"ftp://{HOST}/dav/b",
    f"http:/{HOST}/dav/b",
    f"http:{HOST}/dav/b",
    f"http://{HOST}//dav/b",
    f"http://{HOST}/dav/../dav/closed/c",
    "file:///dav/b",
    "http:///dav/b",
    "/dav/" + "b" * 8_000,
]


@pytest.mark.parametrize("destination", TRICKS)
def test_a_destination_with_another_host_or_two_readings_is_refused(reader: Api, destination: str) -> None:
    problem = assert_problem(move(reader, destination), 403, "not_allowed")
    assert problem["detail"].startswith("Refused: ")


@pytest.mark.parametrize("reference", ["/dav/b,/dav/c", "/dav//b", "http://elsewhere.example/dav/b"])
def test_the_refusal_of_a_second_path_names_its_header(reader: Api, reference: str) -> None:
    assert "Destination" in assert_problem(move(reader, reference), 403, "not_allowed")["detail"]


@pytest.mark.parametrize(
    ("host", "destination", "status"),
    [
        ("dav.example.org", "https://dav.example.org:443/dav/b", 200),
        ("dav.example.org:443", "https://dav.example.org/dav/b", 200),
        ("dav.example.org:80", "http://dav.example.org/dav/b", 200),
        ("dav.example.org:80", "https://dav.example.org/dav/b", 403),
        ("dav.example.org:443", "http://dav.example.org/dav/b", 403),
    ],
)
def test_only_the_default_port_of_the_scheme_may_be_left_out(
    reader: Api, host: str, destination: str, status: int
) -> None:
    assert move(reader, destination, **{"X-Forwarded-Host": host}).status_code == status


def test_a_destination_in_no_row_is_refused(reader: Api) -> None:
    assert_problem(move(reader, "/etc/passwd"), 403, "not_allowed")


def test_without_the_header_the_first_path_decides(reader: Api) -> None:
    sent = {"X-Original-Method": "MOVE", "X-Original-URI": "/dav/a"}
    assert reader.get("/gateway/check", headers=sent).status_code == 200


def test_no_host_is_known_if_the_proxy_sends_no_host(reader: Api) -> None:
    answer = move(reader, f"http://{HOST}/dav/b", **{"X-Forwarded-Host": ""})
    assert_problem(answer, 403, "not_allowed")


@pytest.mark.parametrize(("host", "status"), [(HOST, 200), ("elsewhere.example", 403)])
def test_a_proxy_that_passes_on_the_client_s_host_need_not_send_it_anew(
    reader: Api, host: str, status: int
) -> None:
    answer = move(reader, f"http://{HOST}/dav/b", **{"X-Forwarded-Host": "", "Host": host})
    assert answer.status_code == status


@pytest.mark.parametrize("header", KNOWN)
def test_a_row_that_takes_no_second_path_refuses_every_known_header(reader: Api, header: str) -> None:
    for method, path in (("PUT", "/objects/a"), ("GET", "/open")):
        sent = {"X-Original-Method": method, "X-Original-URI": path, header: "/objects/b"}
        problem = assert_problem(reader.get("/gateway/check", headers=sent), 403, "not_allowed")
        assert header in problem["detail"]


@pytest.mark.parametrize("header", KNOWN)
def test_a_row_takes_any_known_header_that_it_names(header: str) -> None:
    taking = replace(MOVE, second_paths={header: "PUT"})
    sent = RequestFactory().get("/", headers={header: "/dav/b"}).META
    assert second_paths(taking, sent, HOST) == [("PUT", "/dav/b")]


def test_a_row_that_takes_one_header_refuses_another(reader: Api) -> None:
    assert_problem(move(reader, "/dav/b", **{"X-Copy-From": "/dav/b"}), 403, "not_allowed")


def test_an_open_row_with_a_second_path_is_refused_with_the_profile() -> None:
    wrong = replace(OPEN_TO_ALL, second_paths={"Destination": "PUT"})
    with pytest.raises(ProfileError, match=r"routes\[1\].second_paths"):
        rules.check("test", with_routes(wrong).file)


def test_a_header_that_proxies_keep_from_us_is_refused_with_the_profile() -> None:
    text = route('methods = ["MOVE"]\npath = "/dav/**"\nsecond_paths = { X-Target = "PUT" }')
    with pytest.raises(ProfileError, match=r"routes\[3\].second_paths.X-Target: Invalid enum value"):
        profiles.parse(text, source="test")


PARTS = st.sampled_from(
    [
        "dav",
        "closed",
        "b",
        "..",
        ".",
        "",
        "%2e%2e",
        "%2f",
        ";",
        ",",
        "?",
        "#",
        "\\",
        "\x00",
        "é",
        HOST,
        "http:",
    ]
)


@given(st.lists(PARTS, max_size=5))
def test_what_is_taken_is_a_path_by_the_rules_of_the_first_one(parts: list[str]) -> None:
    reference = "/".join(parts)
    try:
        ((method, path),) = second_paths(MOVE, {variable("Destination"): reference}, HOST)
    except RefusedPath:
        return
    assert method == "PUT" and reference.endswith(path)
    assert "/" + "/".join(segments(path)) == path.removesuffix("/")
