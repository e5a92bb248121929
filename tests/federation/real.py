"""npm's oidc-provider as a process, and a browser that logs in there."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
import requests
from django.test import Client

from federation.services.providers import redirect_uri
from tests.installation import free_port
from tests.npm import installed

NPM = Path(__file__).parent / "npm"
CLIENT = {"client_id": "keyhouse", "client_secret": "the secret of a client for tests"}
ALICE = {"email": "alice@acme.example", "email_verified": True, "name": "Alice Ash", "groups": ["staff"]}


@dataclass
class RealProvider:
    """The process, at its issuer."""

    issuer: str
    process: "subprocess.Popen[bytes]"

    def knows(self, **people: dict[str, Any]) -> None:
        """Let the provider know these people alone, with these claims."""
        assert requests.put(f"{self.issuer}/people", json=people, timeout=5).status_code == 204

    def asked(self, grant: str = "refresh_token") -> int:
        """How often its token endpoint was asked with this kind of grant."""
        counts: dict[str, int] = requests.get(f"{self.issuer}/asked", timeout=5).json()
        return counts.get(grant, 0)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it answer nothing until the block ends."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(host: str = "127.0.0.1", **registered: Any) -> Iterator[RealProvider]:
    """Run the provider; `registered` is what it knows of its client beside its name and secret."""
    folder = installed(NPM)
    if folder is None:  # the end of ./run test says that it was missing
        pytest.skip("Node is not here, or npm cannot get oidc-provider")
    port = free_port()
    client = {**CLIENT, "redirect_uris": [redirect_uri()], **registered}
    settings = {**os.environ, "OIDC": json.dumps({"host": host, "port": port, "client": client})}
    with subprocess.Popen(
        ["node", "provider.mjs"], cwd=folder, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            while process.stdout.readline().strip() != b"ready":
                assert process.poll() is None, "oidc-provider has ended"
            yield RealProvider(f"http://{host}:{port}", process)
        finally:
            process.kill()


@dataclass
class Browser:
    """One browser, at Keyhouse and at the provider."""

    here: Client = field(default_factory=lambda: Client(headers={"Accept": "text/html"}))
    there: requests.Session = field(default_factory=requests.Session)

    def begins(self, address: str = "alice@acme.example", back: str = "") -> str:
        """Name the organization; return where that leads."""
        answer = self.here.post("/account/login/organization", {"email": address, "next": back})
        assert answer.status_code == 302, answer.content.decode()
        return str(answer.headers["Location"])

    def logs_in_there(self, address: str, who: str = "alice", **said: str) -> str:
        """Log in at the provider; return the address at Keyhouse to which it leads back."""
        for _ in range(10):
            answer = self.there.get(address, allow_redirects=False, timeout=10)
            assert answer.status_code in (302, 303), answer.text
            address = urljoin(address, answer.headers["Location"])
            if address.startswith(redirect_uri()):
                return address
            if "/interaction/" in address:
                address += f"?{urlencode({'login': who, **said})}"
        raise AssertionError(address)

    def comes_back(self, address: str) -> Any:
        """The answer of Keyhouse to what the provider sent."""
        return self.here.get(address)

    def logs_in(self, who: str = "alice", back: str = "", **said: str) -> Any:
        """The answer of Keyhouse after the whole way."""
        return self.comes_back(self.logs_in_there(self.begins(back=back), who, **said))
