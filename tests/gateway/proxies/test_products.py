"""Every product's own resources, behind a real nginx: the requests of their pages, and those refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.gateway.proxies.running import running
from tests.gateway.proxies.service import Service
from tests.installation import ADMIN, Answer, Installation, Server, copy_of

pytestmark = [pytest.mark.once, pytest.mark.slow]


@dataclass(frozen=True)
class Product:
    """What a product's clients send: a scope that its keys have, how a key is sent, and its requests.

    `takes` and `refuses` are "METHOD path"; `jwt` are those that a person's login opens and no key.
    """

    takes: tuple[str, ...]
    scope: str = ""
    header: str = "X-API-Key: {}"
    refuses: tuple[tuple[str, str], ...] = ()
    jwt: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    login: dict[str, str] = field(default_factory=lambda: {"email": ADMIN["KEYHOUSE_ADMIN_EMAIL"]})
    logs_in_at: str = "/v1/auth/login"


PRODUCTS = {
    "sentrikat": Product(
        takes=("GET /api/products", "GET /api/products/7/versions"),
        scope="products:read",
        refuses=(("POST /api/products", "insufficient_scope"), ("GET /api/agents", "not_allowed")),
        login={"username": ADMIN["KEYHOUSE_ADMIN_USERNAME"]},
        logs_in_at="/api/auth/login",
    ),
    "sentinelnerd": Product(
        takes=("GET /v1/events", "GET /v1/events/evt_1"),
        scope="events:read",
        header="Authorization: Bearer {}",
        refuses=(("POST /v1/events", "insufficient_scope"), ("GET /v1/anything", "insufficient_scope")),
    ),
    "sequenceware": Product(
        takes=("POST /v1/events",),
        refuses=(("GET /v1/events", "not_allowed"), ("GET /v1/runs", "not_allowed")),
        jwt=("GET /v1/runs", "GET /v1/runs/42", "POST /v1/approvals/3/approve", "GET /v1/metrics/daily"),
        open=("GET /health",),
    ),
    "dariet": Product(
        takes=("GET /api/reports", "POST /api/reports", "DELETE /api/reports/7"),
        refuses=(("GET /reports", "not_allowed"),),
        logs_in_at="/api/auth/login",
    ),
    "netrecon": Product(
        takes=("GET /api/v1/scans", "GET /api/v1/scans/7/results"),
        scope="scans_read",
        refuses=(("POST /api/v1/scans", "insufficient_scope"), ("GET /api/v1/cve/1", "insufficient_scope")),
        logs_in_at="/api/v1/auth/login",
    ),
}


@dataclass(frozen=True)
class Behind:
    """A product's Keyhouse, and the proxy before its service."""

    name: str
    product: Product
    installation: Installation
    keyhouse: Server
    proxy: Server
    service: Service

    def make_key(self) -> dict[str, str]:
        scopes = ("--scope", self.product.scope) if self.product.scope else ()
        made: dict[str, str] = self.installation.manage_json(
            "createapikey", "--name", "CI", "--user", ADMIN["KEYHOUSE_ADMIN_USERNAME"], *scopes
        )
        return made

    def send(self, line: str, credential: str = "") -> Answer:
        """Send "METHOD path" with a header line, or none."""
        method, path = line.split(" ")
        headers = dict([credential.split(": ", 1)]) if credential else {}
        body = b"{}" if method == "POST" else None
        return self.proxy.request(method, path, headers=headers, body=body)

    def login(self) -> str:
        """The header line of the administrator."""
        body = self.product.login | {"password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
        answer = self.keyhouse.request("POST", self.product.logs_in_at, body=body)
        assert answer.status == 200, answer.body
        members = answer.json().get("data", answer.json())
        return f"Authorization: Bearer {members.get('access_token') or members['accessToken']}"


@contextmanager
def behind_nginx(name: str, original: Installation, service: Service, folder: Path) -> Iterator[Behind]:
    with copy_of(original, folder) as installation:
        installation.settings["KEYHOUSE_PROFILE"] = name
        with (
            installation.serve("--workers", "1") as server,
            running(
                "nginx", folder, service=service.address, keyhouse=f"127.0.0.1:{server.port}", below="/"
            ) as proxy,
        ):
            yield Behind(name, PRODUCTS[name], installation, server, proxy, service)


@pytest.fixture(scope="module", params=PRODUCTS)
def behind(
    request: pytest.FixtureRequest,
    after_first_start: Installation,
    service: Service,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp(request.param)
    with behind_nginx(request.param, after_first_start, service, folder) as behind:
        yield behind


def arrived_headers(answer: Answer) -> dict[str, str]:
    """The headers with which a request arrived at the service."""
    assert answer.status == 200, answer.body
    return {name.lower(): value for name, value in json.loads(answer.body)["headers"]}


def test_a_key_opens_what_the_page_says_until_it_is_revoked(behind: Behind) -> None:
    made = behind.make_key()
    credential = behind.product.header.format(made["key"])
    for line in behind.product.takes:
        headers = arrived_headers(behind.send(line, credential))
        assert headers["x-auth-credential"].startswith("key:")
        assert headers.get("x-auth-scopes", "") == behind.product.scope
        assert made["key"] not in str(headers)
    for line, code in behind.product.refuses:
        answer = behind.send(line, credential)
        assert (answer.status, answer.json()["code"]) == (403, code), line
    arrived = len(behind.service.got)
    assert behind.installation.manage("revokeapikey", str(made["id"])).returncode == 0
    for line in behind.product.takes:
        answer = behind.send(line, credential)
        assert (answer.status, answer.json()["code"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert len(behind.service.got) == arrived


def test_nobody_gets_in_without_a_credential_except_where_the_page_says_so(behind: Behind) -> None:
    for line in (*behind.product.takes, *behind.product.jwt):
        answer = behind.send(line)
        assert (answer.status, answer.json()["code"]) == (401, "not_authenticated")
    for line in behind.product.open:
        assert "x-auth-subject" not in arrived_headers(behind.send(line))


def test_a_login_opens_what_the_page_says(behind: Behind) -> None:
    credential = behind.login()
    for line in behind.product.jwt or behind.product.takes:
        headers = arrived_headers(behind.send(line, credential))
        assert headers["x-auth-credential"].startswith("jwt:")
        assert "authorization" not in headers
