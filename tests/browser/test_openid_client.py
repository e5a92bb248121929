"""openid-client, as an application uses it, and a person in a real browser who logs in and says yes."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.secrets.key_pairs import ALGORITHMS
from tests.browser.chromium import openid_client
from tests.browser.conftest import OAUTH2, Visit, visiting
from tests.installation import PROJECT, Installation, Server, free_port

pytestmark = [pytest.mark.once, pytest.mark.slow]

SCOPE = "openid profile email services:read"
METHODS = ("client_secret_basic", "client_secret_post", "none")


@contextmanager
def serving(installation: Installation, algorithm: str) -> Iterator[Server]:
    """A server whose ID tokens are signed like this, at the address that it says it has."""
    shipped = (PROJECT / "config" / "profiles" / "keyhouse.toml").read_text()
    profile = installation.folder / "profile.toml"
    profile.write_text(shipped.replace("[oauth2]", f'[oauth2]\nid_token_algorithm = "{algorithm}"\n#'))
    bind = f"127.0.0.1:{free_port()}"
    installation.settings |= {"KEYHOUSE_PROFILE": str(profile), "KEYHOUSE_BIND": bind}
    with installation.serve("--bind", bind, EMAIL_URL="dummymail://") as server:
        server.port = int(bind.rpartition(":")[2])
        yield server


@contextmanager
def application(script: Path, *arguments: str) -> Iterator[Callable[[], Any]]:
    """The application, running; call what comes for the next thing that it says."""
    with subprocess.Popen(["node", str(script), *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout
        try:
            yield lambda: json.loads(output.readline())
        finally:
            process.kill()


def log_in_and_allow(visit: Visit, address: str, callback: str) -> None:
    visit.page.goto(address)
    visit.log_in_to_allow()
    for words in ("Allow Board?", "Read from the services behind the gateway", "See your e-mail address"):
        assert words in visit.text()
    assert visit.complaints == []
    visit.press("Allow")
    assert visit.page.url.startswith(f"{callback}?")
    assert {word.partition("?")[0] for word in visit.complaints} == {f"a foreign host: {callback}"}
    visit.complaints.clear()


@pytest.mark.parametrize(("algorithm", "method"), list(zip(ALGORITHMS, METHODS, strict=True)))
def test_the_whole_way_with_openid_client(
    algorithm: str, method: str, chromium: Any, installation: Installation
) -> None:
    script = openid_client()
    if script is None:  # it is npm's; the end of ./run test says that it was missing
        pytest.skip("Node is not here, or npm cannot get openid-client")
    callback = f"http://127.0.0.1:{free_port()}/callback"
    with serving(installation, algorithm) as server, visiting(chromium, server) as visit:
        scopes = [word for scope in SCOPE.split() for word in ("--scope", scope)]
        kind = ["--public"] if method == "none" else []
        made = installation.manage_json(
            "createoauthclient", "--name", "Board", "--redirect-uri", callback, *scopes, *kind
        )
        known = (method, made["client_id"], made["client_secret"] or "")
        with application(script, visit.origin, *known, callback, SCOPE) as said:
            log_in_and_allow(visit, said()["address"], callback)
            result = said()
        assert result["alg"] == algorithm
        assert result["claims"]["iss"] == visit.origin and result["claims"]["aud"] == made["client_id"]
        assert result["person"]["preferred_username"] == result["claims"]["preferred_username"] == "admin"
        assert result["scope"] == SCOPE
        assert result["isRotated"]
        if method != "none":
            assert result["described"]["active"] is True
            assert result["afterwards"] == {"active": False}
        visit.go(f"{OAUTH2}/allowed")
        # Revoking the tokens ended the consent.
        assert "No application can act for you." in visit.text()
