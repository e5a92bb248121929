"""An installation that people and programs have used, and what they have in hand."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.accounts.authenticator import App
from tests.accounts.mailbox import Mailbox, token_in
from tests.installation import Answer, Installation, Server, log_in_as_admin
from tests.oauth.flow import parameters, verifier
from tests.oauth.visitor import allow

API = "/api/v1"
CALLBACK = "http://127.0.0.1:8765/callback"
PASSWORD = "a long walk to the lighthouse"
SCOPE = "services:read"
GATEWAY = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
NOTES = {"description": "Nightly\nexport", "metadata": {"team": "ops", "Zoë": '日本 \\ "x"'}}
LIMIT = {"requests": 1000, "seconds": 60}
QUOTA = 1000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Client:
    """An OAuth2 client, and the tokens that it got."""

    id: str
    secret: str
    tokens: dict[str, str]

    def ask(self, server: Server, **members: str) -> Answer:
        """Send a form to the token endpoint."""
        sent = {"client_id": self.id, "client_secret": self.secret} | members
        return server.request("POST", f"{API}/auth/oauth2/token", headers=FORM, body=urlencode(sent).encode())


@dataclass
class Life:
    """What was in use before the move."""

    keys: dict[str, dict[str, Any]]  # by name: id and text
    session: dict[str, str]
    ended_session: dict[str, str]
    app: App
    spent_recovery_code: str
    client: Client
    mailed: str  # the token of a link to a new password for the administrator
    imported: str  # a key of another system, not used yet


@contextmanager
def serving(installation: Installation, **settings: str) -> Iterator[Server]:
    """Serve at the address that the installation says it has: its tokens and pages name it."""
    bind = installation.settings["KEYHOUSE_BIND"]
    with installation.serve("--bind", bind, **settings) as server:
        server.port = int(bind.rpartition(":")[2])
        yield server


def live(installation: Installation, mailbox: Mailbox) -> Life:
    """Let people and programs use a new installation: dora of Acme has something of every kind."""
    installation.manage_json("createorganization", "--name", "Acme")
    dora = ("--username", "dora", "--email", "dora@example.org", "--role", "member", "--password-stdin")
    installation.manage_json("createuser", *dora, "--organization", "Acme=owner", stdin=PASSWORD)
    made = installation.manage_json(
        "createoauthclient", "--name", "Board", "--redirect-uri", CALLBACK, "--scope", SCOPE
    )
    imported = import_key(installation)
    with serving(installation, KEYHOUSE_LEASE_MS="0", EMAIL_URL=mailbox.url) as server:
        ended, session = log_in(server), log_in(server)
        assert post(server, "auth/logout", session=ended).status == 204
        post(server, "auth/login", {"username": "dora", "password": "a wrong password of hers"})
        app = enrol(server, session)
        keys = {name: make_key(server, session, name) for name in ("used", "revoked", "disabled", "rotated")}
        used = f"{API}/api-keys/{keys['used']['id']}"
        limited = server.request("PATCH", f"{used}/quota", headers=bearer(session), body={"total": QUOTA})
        assert limited.status == 200, limited.body
        assert gateway(server, keys["used"]["key"]) == 200
        path = f"{API}/api-keys/{keys['revoked']['id']}"
        assert server.request("DELETE", path, headers=bearer(session)).status == 204
        assert post(server, f"api-keys/{keys['disabled']['id']}/disable", session=session).status == 200
        finish = {"overlap": "24h", "finish": "when_quiet"}
        rotated = post(server, f"api-keys/{keys['rotated']['id']}/rotate", finish, session=session)
        assert rotated.status == 201, rotated.body
        spent = app.recovery_codes.pop()
        client = consented(server, made, spent)
        invite_and_withdraw(server)
        post(server, "auth/forgot-password", {"email": "admin@example.org"})
        mailed = token_in(mailbox.wait_for(1, to="admin@example.org")[-1])
    return Life(keys, session, ended, app, spent, client, mailed, imported)


def import_key(installation: Installation) -> str:
    """Import a key of another system for Acme, and return it."""
    key, folder = secrets.token_urlsafe(30), installation.folder
    keys, scopes = folder / "keys.csv", folder / "scopes.toml"
    keys.write_text(f"key,organization\n{key},Acme\n")
    scopes.write_text(f'default = ["{SCOPE}"]\n')
    done = installation.manage_json("importkeys", "--from", "csv", str(keys), "--scopes", str(scopes))
    assert done["imported"] == 1, done
    return key


def log_in(server: Server, **more: str) -> dict[str, str]:
    """The tokens of a login of dora."""
    answer = post(server, "auth/login", {"username": "dora", "password": PASSWORD, **more})
    assert answer.status == 200, answer.body
    found: dict[str, str] = answer.json()
    return found


def post(server: Server, path: str, body: Any = None, *, session: dict[str, str] | None = None) -> Answer:
    headers = bearer(session) if session else {}
    return server.request("POST", f"{API}/{path}", headers=headers, body=body)


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def enrol(server: Server, session: dict[str, str]) -> App:
    """Add an app with the code of the last step, so that the present one is unspent."""
    begun = post(server, "auth/totp", {"password": PASSWORD}, session=session)
    app = App(begun.json()["secret"], [])
    confirmed = post(server, "auth/totp/confirm", {"code": app.code(steps=-1)}, session=session)
    assert confirmed.status == 200, confirmed.body
    app.recovery_codes = confirmed.json()["recovery_codes"]
    return app


def make_key(server: Server, session: dict[str, str], name: str) -> dict[str, Any]:
    """Make a key, or find out which a request like this has made."""
    body = {"name": name, "scopes": [SCOPE], "rate_limit": LIMIT, **NOTES}
    headers = bearer(session) | {"Idempotency-Key": name}
    answer = server.request("POST", f"{API}/api-keys", headers=headers, body=body)
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.json()
    return made


def gateway(server: Server, credential: str) -> int:
    """What the gateway says about a request of a program, with a key or a token."""
    headers = {"Authorization": f"Bearer {credential}", **GATEWAY}
    return server.request("GET", "/gateway/check", headers=headers).status


def consented(server: Server, made: dict[str, Any], recovery_code: str) -> Client:
    """The client with the tokens that it got after dora's yes."""
    text, challenge = verifier()
    asked = {"response_type": "code", "client_id": made["client_id"], "redirect_uri": CALLBACK}
    asked |= {"scope": SCOPE, "code_challenge": challenge, "code_challenge_method": "S256"}
    address = f"http://127.0.0.1:{server.port}{API}/auth/oauth2/authorize?{urlencode(asked)}"
    sent_to = allow(address, identifier="dora", password=PASSWORD, totp_code=recovery_code)
    client = Client(made["client_id"], made["client_secret"], {})
    exchange = {"code": parameters(sent_to)["code"], "redirect_uri": CALLBACK, "code_verifier": text}
    answer = client.ask(server, grant_type="authorization_code", **exchange)
    assert answer.status == 200, answer.body
    client.tokens = answer.json()
    return client


def invite_and_withdraw(server: Server) -> None:
    """Leave a number behind that was used once, and whose row is gone."""
    admin = log_in_as_admin(server)
    listed = server.request("GET", f"{API}/organizations", headers=admin).json()["results"]
    path = f"{API}/organizations/{listed[0]['id']}/invitations"
    body = {"email": "eve@example.org", "role": "developer"}
    made = server.request("POST", path, headers=admin, body=body)
    assert made.status == 201, made.body
    assert server.request("DELETE", f"{path}/{made.json()['id']}", headers=admin).status == 204
