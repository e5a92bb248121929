"""Real proxies, configured as documented: which requests reach the service, and what it learns."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.paths import LONGEST
from tests.access.basic import basic
from tests.gateway.proxies.conftest import Front
from tests.gateway.proxies.running import say
from tests.gateway.proxies.service import SLOW, Got
from tests.installation import Answer

pytestmark = [pytest.mark.once, pytest.mark.fast]

ITEMS = "/services/stock/items?page=2"
IDENTITY = ("X-Auth-Subject", "X-Auth-Organization", "X-Auth-Credential", "X-Auth-Scopes")
ABOUT_THE_REQUEST = ("X-Original-Method", "X-Original-URI", "X-Forwarded-Method", "X-Forwarded-Uri")
# What some services take for another path or method than those of the request line.
INSTEAD = ("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
# Names that some services read like the one with hyphens. Caddy and Envoy remove those with _ alone.
ALIASES = {"nginx": "_.!~", "nginx-streaming": "_.!~", "traefik": "_.!~", "caddy": "_", "envoy": "_"}
# What services take for who the caller is and how the request came, if the proxy does not say it itself.
CLAIMS = (
    "X-Auth-User",
    "X-Auth-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Anything-At-All",
    "X-Real-IP",
    "Forwarded",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
)
# What some servers and services take for a file, or for another resource than that of the request line.
RESOURCES = ("X-Accel-Mapping", "X-Accel-Redirect", "X-Sendfile-Type", "If", "Link", "Content-Location")
# Sent by clients of services that are not to be broken.
ORDINARY = {
    "Accept": "text/plain",
    "Accept-Language": "sq",
    "Cookie": "a=b; c=d",
    "If-None-Match": '"a", "b"',
    "Idempotency-Key": "k1",
    "Last-Event-ID": "7",
    "Origin": "https://app.example.org",
    "Range": "bytes=0-9",
    "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "User-Agent": "tests/1",
    "X-Requested-With": "XMLHttpRequest",
}
CHALLENGE = 'Basic realm="Keyhouse", charset="UTF-8", Bearer realm="Keyhouse"'


def received(answer: Answer) -> Got:
    """Return the request as the service got it."""
    assert answer.status == 200, answer.body
    echoed = json.loads(answer.body)
    return Got(echoed["method"], echoed["target"], tuple((name, value) for name, value in echoed["headers"]))


def refused(front: Front, answer: Answer, status: int, code: str) -> Answer:
    """Assert that the client gets Keyhouse's own problem document."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"
    return answer


def test_a_good_key_reaches_the_service_which_learns_whose_it_is(front: Front) -> None:
    got = received(front.ask(ITEMS))
    assert (got.method, got.target) == ("GET", ITEMS)
    subject, organization, credential, scopes = (got.values(name)[0] for name in IDENTITY)
    assert len(subject) == len(organization) == 36
    assert (credential, scopes) == (f"key:{front.keyhouse.keys['reader']['id']}", "services:read")


def test_a_login_reaches_the_service(front: Front) -> None:
    got = received(front.ask(ITEMS, key="", **front.keyhouse.admin))
    assert got.values("X-Auth-Credential")[0].startswith("jwt:")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_arrive_as_themselves_with_their_body(front: Front, method: str) -> None:
    body = {"amount": 3, "note": "x" * 100_000}  # more than nginx keeps in memory: its worker writes a file
    answer = front.proxy.request(method, ITEMS, headers=front.keyhouse.key("writer"), body=body)
    got = received(answer)
    assert got.method == method
    assert got.values("Content-Length") == [str(len(json.dumps(body)))]


def test_head_arrives_as_head(front: Front) -> None:
    before = front.arrived()
    assert front.ask(ITEMS, method="HEAD").status == 200
    assert [got.method for got in front.service.got[before:]] == ["HEAD"]


def test_the_secret_does_not_reach_the_service(front: Front) -> None:
    secret = front.keyhouse.keys["reader"]["key"]
    for answer in (
        front.ask(ITEMS),
        front.ask(ITEMS, key="", Authorization=f"Bearer {secret}"),
        front.ask(ITEMS, key="", **basic(secret)),
        front.ask("/services/stock/health"),
        front.ask(ITEMS, key="", **front.keyhouse.admin),
    ):
        got = received(answer)
        assert got.values("X-API-Key") == got.values("Authorization") == []
        assert secret not in str(got)
        assert basic(secret)["Authorization"] not in str(got)


def test_nobody_gets_through_without_a_good_credential(front: Front) -> None:
    before = front.arrived()
    nothing = refused(front, front.ask(ITEMS, key=""), 401, "not_authenticated")
    assert nothing.headers["www-authenticate"] == CHALLENGE
    for wrong in ("kh_live_wrong", "x" * 44):
        answer = refused(front, front.ask(ITEMS, key="", **{"X-API-Key": wrong}), 401, "invalid_token")
        assert answer.headers["www-authenticate"] == f'{CHALLENGE}, error="invalid_token"'
    assert front.arrived() == before


@pytest.mark.requirement(116)
def test_a_browser_is_not_made_to_show_a_dialog(front: Front) -> None:
    for mode in ("cors", "navigate"):
        nothing = refused(front, front.ask(ITEMS, key="", Sec_Fetch_Mode=mode), 401, "not_authenticated")
        assert nothing.headers["www-authenticate"] == 'Bearer realm="Keyhouse"'


def test_a_revoked_key_is_dead_at_once(front: Front) -> None:
    made = front.keyhouse.keys["doomed"] = front.keyhouse.make_key("doomed")
    received(front.ask(ITEMS, "doomed"))
    path = f"/api/v1/api-keys/{made['id']}"
    assert front.keyhouse.server.request("DELETE", path, headers=front.keyhouse.admin).status == 204
    refused(front, front.ask(ITEMS, "doomed"), 401, "invalid_token")


def test_a_missing_scope_and_a_path_in_no_row_are_403(front: Front) -> None:
    before = front.arrived()
    answer = refused(front, front.ask(ITEMS, method="POST"), 403, "insufficient_scope")
    assert 'scope="services:write"' in answer.headers.get("www-authenticate", 'scope="services:write"')
    refused(front, front.ask("/services/vault/gold"), 403, "insufficient_scope")
    refused(front, front.ask(ITEMS, "foreign"), 403, "insufficient_scope")
    refused(front, front.ask(ITEMS, method="PURGE"), 403, "not_allowed")
    assert front.arrived() == before


def test_an_open_row_lets_everybody_in_as_nobody(front: Front) -> None:
    for key in ("", "reader"):
        got = received(front.ask("/services/stock/health", key))
        assert [value for name in IDENTITY for value in got.values(name) if value] == []


@pytest.mark.parametrize("path", [ITEMS, "/services/stock/health"])
def test_claims_of_a_client_about_itself_do_not_get_through(front: Front, path: str) -> None:
    claims = dict.fromkeys((*IDENTITY, *ABOUT_THE_REQUEST), "forged")
    hidden = {name.replace("-", sign): "forged" for name in claims for sign in ALIASES[front.kind]}
    got = received(front.proxy.request("GET", path, headers=front.keyhouse.key("reader") | claims | hidden))
    assert "forged" not in str([got.values(name) for name in claims])


@pytest.mark.parametrize("path", [ITEMS, "/services/stock/health"])
def test_no_other_path_or_method_reaches_the_service_in_headers(front: Front, path: str) -> None:
    claims = dict.fromkeys(INSTEAD, "forged")
    hidden = {name.replace("-", sign): "forged" for name in claims for sign in ALIASES[front.kind]}
    got = received(front.proxy.request("GET", path, headers=front.keyhouse.key("reader") | claims | hidden))
    assert [got.values(name) for name in claims] == [[]] * len(claims)


@pytest.mark.parametrize("path", [ITEMS, "/services/stock/health"])
def test_no_other_claim_about_the_caller_or_the_way_of_the_request_gets_through(
    front: Front, path: str
) -> None:
    claims = {name: "for=forged;host=forged" if name == "Forwarded" else "forged" for name in CLAIMS}
    got = received(front.proxy.request("GET", path, headers=front.keyhouse.key("reader") | claims))
    assert "forged" not in str(got)


def test_no_header_names_a_file_or_another_resource(front: Front) -> None:
    got = received(front.ask(ITEMS, **{name.replace("-", "_"): "</vault/gold>" for name in RESOURCES}))
    assert "gold" not in str(got)


def test_what_ordinary_clients_send_arrives(front: Front) -> None:
    got = received(front.proxy.request("GET", ITEMS, headers=front.keyhouse.key("reader") | ORDINARY))
    assert {name: got.values(name) for name in ORDINARY} == {name: [text] for name, text in ORDINARY.items()}


@pytest.mark.parametrize("name", IDENTITY)
def test_a_client_cannot_make_the_proxy_drop_what_the_service_learns(front: Front, name: str) -> None:
    expected = received(front.ask(ITEMS))
    for connection in (name, f"close, {name}", f"keep-alive, {name.lower()}"):
        got = received(front.ask(ITEMS, Connection=connection))
        assert [got.values(each) for each in IDENTITY] == [expected.values(each) for each in IDENTITY]


def test_a_client_cannot_say_where_an_application_is_mounted(front: Front) -> None:
    for variable, value in (("SCRIPT_NAME", "/gateway"), ("SCRIPT_NAME", "/services"), ("PATH_INFO", "/x")):
        headers = front.keyhouse.key("reader") | {variable: value}
        got = received(front.proxy.request("GET", ITEMS, headers=headers))
        assert got.target == ITEMS and got.values(variable) == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_longest_address_arrives_and_a_longer_one_is_refused(front: Front, method: str) -> None:
    longest = "/services/stock/items?q=".ljust(LONGEST, "a")
    got = received(front.ask(longest, "writer", method))
    assert (got.method, got.target) == (method, longest)
    refused(front, front.ask(f"{longest}a", "writer", method), 403, "not_allowed")


def test_what_a_client_says_of_the_request_does_not_change_the_decision(front: Front) -> None:
    before = front.arrived()
    hidden = ("X_Original_Method", "X_Original_URI")
    for names in (ABOUT_THE_REQUEST[:2], ABOUT_THE_REQUEST[2:], hidden):
        said = dict(zip(names, ("GET", "/services/stock/health"), strict=True))
        for key in ("", "foreign"):
            headers = said | (front.keyhouse.key(key) if key else {})
            assert front.proxy.request("GET", ITEMS, headers=headers).status == (403 if key else 401)
        headers = said | front.keyhouse.key("reader")
        assert front.proxy.request("POST", ITEMS, headers=headers).status == 403
    assert front.arrived() == before


def test_a_forged_address_does_not_unlock_a_key_that_is_bound_to_networks(front: Front) -> None:
    for headers in ({}, {"X-Forwarded-For": "203.0.113.9"}, {"X_Forwarded_For": "203.0.113.9"}):
        sent = headers | front.keyhouse.key("elsewhere")
        refused(front, front.proxy.request("GET", ITEMS, headers=sent), 403, "network_not_allowed")


def test_a_key_over_its_rate_limit_is_429_and_told_when_to_come_back(front: Front) -> None:
    name = f"limited {front.kind}"
    limit = {"requests": 2, "seconds": 3600}
    front.keyhouse.keys[name] = front.keyhouse.make_key(name, rate_limit=limit)
    before = front.arrived()
    assert [front.ask(ITEMS, name).status for _ in range(3)] == [200, 200, 429]
    assert front.arrived() == before + 2
    answer = refused(front, front.ask(ITEMS, name), 429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 3600


def test_a_refusal_does_not_wait_for_the_upload(front: Front) -> None:
    lines = (f"PUT {ITEMS} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 1000000", "", "the beginning")
    for credential in ("", f"X-API-Key: {front.keyhouse.keys['reader']['key']}\r\n"):
        head = "\r\n".join(lines).replace("\r\n\r\n", f"\r\n{credential}\r\n")
        assert say(front.proxy.port, head.encode())[:12] == (
            b"HTTP/1.1 403" if credential else b"HTTP/1.1 401"
        )


PREFLIGHT = {
    "Origin": "https://app.example.org",
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "x-api-key",
}


def test_a_preflight_reaches_the_service_where_a_row_lets_it(front: Front) -> None:
    answer = front.proxy.request("OPTIONS", "/services/shop/items", headers=PREFLIGHT)
    got = received(answer)
    assert got.method == "OPTIONS"
    assert [got.values(name) for name in PREFLIGHT] == [[value] for value in PREFLIGHT.values()]
    assert answer.headers["access-control-allow-origin"] == PREFLIGHT["Origin"]
    assert [value for name in IDENTITY for value in got.values(name) if value] == []


def test_a_preflight_opens_nothing_else(front: Front) -> None:
    before = front.arrived()
    refused(front, front.proxy.request("OPTIONS", ITEMS, headers=PREFLIGHT), 403, "not_allowed")
    refused(
        front, front.proxy.request("PUT", "/services/shop/items", headers=PREFLIGHT), 401, "not_authenticated"
    )
    assert front.arrived() == before


def test_a_slow_service_holds_up_nobody_else(front: Front) -> None:
    front.service.may_answer_slowly.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(front.ask, SLOW)
        for _ in range(20):
            received(front.ask(ITEMS))
        front.service.may_answer_slowly.set()
        received(slow.result())
