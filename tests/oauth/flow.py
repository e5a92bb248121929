"""A client and a browser: what they send, step by step, so that tests can leave the path anywhere."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from django.conf import settings
from django.test import Client

from access.callers import caller_at_command_line
from accounts.models import Organization, User
from oauth.services.clients import NewClient, create_client
from tests.conftest import PASSWORD, Api
from tests.logins import log_browser_in

CALLBACK = "https://app.example.org/callback"
BASE = "/api/v1/auth/oauth2"
FORM = "application/x-www-form-urlencoded"


def make_client(*scopes: str, owner: User | Organization | None = None, **options: Any) -> NewClient:
    """A client made at the command line, which may get these scopes."""
    uris = options.pop("redirect_uris", [] if owner else [CALLBACK])
    values = {"name": "Dashboard", "redirect_uris": uris, "owner": owner} | options
    return create_client(caller=caller_at_command_line(), scopes=scopes or ["services:read"], **values)


def verifier() -> tuple[str, str]:
    """A PKCE verifier, and its S256 challenge."""
    text = secrets.token_urlsafe(48)
    digest = hashlib.sha256(text.encode()).digest()
    return text, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def parameters(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@dataclass
class Flow:
    """The way of one person through one client."""

    client: NewClient
    user: User
    scope: str = "services:read"
    browser: Client = field(default_factory=lambda: Client(headers={"Accept": "text/html"}))
    verifier: str = ""
    more: dict[str, str] = field(default_factory=dict)

    def address(self, **changed: str | None) -> str:
        """The address of the authorization request; None leaves a parameter out."""
        self.verifier, challenge = verifier()
        asked: dict[str, str | None] = {
            "client_id": self.client.row.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": self.scope,
            "state": "a state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        asked |= {**self.more, **changed}
        return f"{BASE}/authorize?{urlencode({k: v for k, v in asked.items() if v is not None})}"

    def log_in(self, address: str, **members: str) -> Any:
        """Follow the redirect to the login page and fill it in."""
        page = self.browser.get(address)
        assert page.status_code == 302, page.content
        values = {"identifier": str(self.user.username), "password": PASSWORD} | members
        return self.browser.post(page["Location"], values)

    def answer(self, address: str, answer: str = "allow") -> Any:
        """What the person answers to the authorization request at this address."""
        return self.browser.post(address.replace("/authorize?", "/decision?"), {"answer": answer})

    def code(self, **changed: str | None) -> str:
        """The code after a yes. A browser without a login gets one without the page, which `log_in` tests."""
        address = self.address(**changed)
        if self.browser.get(address).status_code == 302:
            log_browser_in(self.browser, self.user)
        answered = self.answer(address)
        assert answered.status_code == 302, answered.content
        return parameters(answered["Location"])["code"]

    def exchange(self, code: str, **changed: str | None) -> Any:
        """Exchange a code for tokens."""
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return post("token", self.client, **(sent | changed))

    def tokens(self, **changed: str | None) -> dict[str, Any]:
        """The tokens that come of the whole way."""
        answer = self.exchange(self.code(**changed))
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def refresh(self, token: str, **more: str | None) -> Any:
        return post("token", self.client, grant_type="refresh_token", refresh_token=token, **more)


def post(endpoint: str, client: NewClient | None, **members: str | None) -> Any:
    """Send a form to an endpoint, as a client that says who it is in the body."""
    known: dict[str, str | None] = {}
    if client is not None:
        known = {"client_id": client.row.client_id, "client_secret": client.secret or None}
    sent = {name: value for name, value in (known | members).items() if value is not None}
    return Client(raise_request_exception=False).post(
        f"{BASE}/{endpoint}", urlencode(sent), content_type=FORM
    )


def machine_token(client: NewClient, **more: str) -> dict[str, Any]:
    answer = post("token", client, grant_type="client_credentials", **more)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def with_token(tokens: dict[str, Any]) -> Api:
    return Api({"Authorization": f"Bearer {tokens['access_token']}"})


def verified(token: str, *, audience: str) -> dict[str, Any]:
    """The claims of a JWT of ours, verified as others do it: by the published keys."""
    published = {key["kid"]: jwt.PyJWK(key) for key in Client().get("/.well-known/jwks.json").json()["keys"]}
    key = published[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=[key.algorithm_name], audience=audience, issuer=settings.PUBLIC_URL
    )
    return claims


def gateway(token: str, method: str = "GET") -> int:
    """What the gateway says about a request for a service."""
    asked = {"X-Original-Method": method, "X-Original-URI": "/services/stock/items"}
    headers = asked | {"Authorization": f"Bearer {token}"}
    status: int = Client(headers=headers).get("/gateway/check").status_code
    return status


def text_of(response: Any) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))
