"""A Keyhouse that proxies ask, the service behind them, and a proxy of each kind between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.proxies.running import PROXIES, running
from tests.gateway.proxies.service import Service, listening
from tests.installation import PROJECT, Answer, Installation, Server, copy_of, log_in_as_admin

# Rows beside the shipped ones: paths that an attacker could be after.
FAST_PROXY = "nginx"  # the one in the fast tier
VAULT = """
[[routes]]
methods = ["GET"]
path = "/services/vault/**"
credentials = ["key"]
scopes = ["services:write"]

[[routes]]
methods = ["COPY", "MOVE"]
path = "/services/dav/**"
credentials = ["key"]
scopes = ["services:read"]
second_paths = { Destination = "PUT" }

[[routes]]
methods = ["PUT"]
path = "/services/dav/mine/**"
credentials = ["key"]
scopes = ["services:read"]

[[routes]]
methods = ["OPTIONS"]
path = "/services/shop/**"
credentials = ["none"]

[[routes]]
methods = ["GET"]
path = "/v2/**"
credentials = ["key"]
scopes = ["services:read"]
"""


@dataclass(frozen=True)
class Keyhouse:
    """A running Keyhouse, its administrator's header, and keys by name."""

    installation: Installation
    server: Server
    admin: dict[str, str]
    keys: dict[str, dict[str, Any]]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def key(self, name: str) -> dict[str, str]:
        """The header of a key."""
        return {"X-API-Key": self.keys[name]["key"]}

    def make_key(self, name: str, **members: Any) -> dict[str, Any]:
        """Make a key of the administrator."""
        body = {"name": name, "scopes": ["services:read"], **members}
        answer = self.server.request("POST", "/api/v1/api-keys", headers=self.admin, body=body)
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json()
        return made


@dataclass(frozen=True)
class Front:
    """A proxy, and the service behind it."""

    kind: str
    proxy: Server
    service: Service
    keyhouse: Keyhouse

    def ask(self, path: str, key: str = "reader", method: str = "GET", **headers: str) -> Answer:
        """Send a request with a key, or with none if it is ""; `headers` have _ for -."""
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        credential = self.keyhouse.key(key) if key else {}
        return self.proxy.request(method, path, headers=credential | spelled)

    def arrived(self) -> int:
        """Return how many requests have arrived at the service."""
        return len(self.service.got)


@pytest.fixture(scope="package")
def keyhouse(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyhouse]:
    folder = tmp_path_factory.mktemp("keyhouse")
    profile = folder / "profile.toml"
    profile.write_text((PROJECT / "config/profiles/keyhouse.toml").read_text() + VAULT)
    settings = {"KEYHOUSE_PROFILE": str(profile), "KEYHOUSE_TRUSTED_PROXIES": "127.0.0.1"}
    with (
        copy_of(after_first_start, folder) as installation,
        installation.serve("--workers", "1", **settings) as server,
    ):
        made = Keyhouse(installation, server, log_in_as_admin(server), {})
        made.keys["reader"] = made.make_key("reader")
        made.keys["writer"] = made.make_key("writer", scopes=["services:write"])
        made.keys["elsewhere"] = made.make_key("elsewhere", allowed_networks=["203.0.113.0/24"])
        made.keys["foreign"] = made.make_key("foreign", scopes=["audit:read"])
        yield made


@pytest.fixture(scope="package")
def service() -> Iterator[Service]:
    with listening() as service:
        yield service


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name != FAST_PROXY else []) for name in PROXIES],
)
def front(
    request: pytest.FixtureRequest, keyhouse: Keyhouse, service: Service, tmp_path_factory: Any
) -> Iterator[Front]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with running(request.param, folder, service=service.address, keyhouse=keyhouse.address) as proxy:
        yield Front(request.param, proxy, service, keyhouse)
