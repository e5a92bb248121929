"""The requests of a login: to the provider in the browser, and to its token and userinfo endpoints."""

import base64
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.utils.translation import gettext_noop

from federation.protocol.documents import MALFORMED, UNREADABLE, Metadata, ask
from federation.protocol.faults import GrantEnded, ProviderFault, RefusedByProvider
from federation.protocol.id_tokens import WRONG, Expected, Person, read, verified

FORM = "application/x-www-form-urlencoded"
REFUSED = gettext_noop("The identity provider refused this login, or Keyhouse as its client.")
SCOPES = ("openid", "email", "profile")
OF_ID_TOKENS = frozenset({"iss", "aud", "exp", "iat", "nonce", "azp", "acr", "amr", "auth_time", "sid"})


class Client(NamedTuple):
    """Keyhouse as a client of the provider; `secret` is "" for a public client."""

    client_id: str
    secret: str
    redirect_uri: str

    def __repr__(self) -> str:
        return f"Client({self.client_id!r})"


class Secrets(NamedTuple):
    """The texts of one login that nobody else knows: `state`, `nonce` and PKCE's verifier."""

    state: str
    nonce: str
    verifier: str

    def __repr__(self) -> str:
        return "Secrets()"


class Tokens(msgspec.Struct):
    """The answer of a token endpoint (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3)."""

    id_token: str = ""
    access_token: str = ""
    refresh_token: str | None = None


class Exchanged(NamedTuple):
    """The person, and the refresh token with which the provider can be asked again; "" without one."""

    person: Person
    refresh_token: str

    def __repr__(self) -> str:
        return f"Exchanged({self.person.sub!r})"


class _Refusal(msgspec.Struct):
    error: str = ""


def address_of_login(
    metadata: Metadata, client: Client, secrets: Secrets, *, role_claim: str, is_proof: bool
) -> str:
    """Return where the browser goes to log in at the provider, with PKCE S256 (RFC 7636).

    If the provider has a scope with the name of `role_claim`, it is requested. `is_proof`: the provider must
    ask the person anew (Core section 3.1.2.1).
    """
    scopes = [*SCOPES, *({role_claim} & {*metadata.scopes_supported})]
    address: str = prepare_grant_uri(
        metadata.authorization_endpoint,
        client.client_id,
        "code",
        redirect_uri=client.redirect_uri,
        scope=" ".join(dict.fromkeys(scopes)),
        state=secrets.state,
        nonce=secrets.nonce,
        code_challenge=create_s256_code_challenge(secrets.verifier),
        code_challenge_method="S256",
        prompt="login" if is_proof else None,
        max_age="0" if is_proof else None,
    )
    return address


def exchanged(
    metadata: Metadata,
    client: Client,
    secrets: Secrets,
    *,
    algorithm: str,
    wanted: frozenset[str],
    code: str,
    now: datetime,
) -> Exchanged:
    """Exchange a code for what the provider says of the person, if it can with the claims that are `wanted`.

    Raises ProviderFault, RefusedByProvider or Busy.
    """
    tokens = _post(
        metadata,
        client,
        prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=client.redirect_uri,
            code_verifier=secrets.verifier,
        ),
    )
    if not tokens.id_token:
        raise ProviderFault(MALFORMED)
    expected = Expected(client.client_id, algorithm, secrets.nonce)
    person = verified(tokens.id_token, metadata, expected, access_token=tokens.access_token, now=now)
    return Exchanged(_completed(metadata, person, wanted, tokens.access_token), tokens.refresh_token or "")


def refreshed(metadata: Metadata, client: Client, refresh_token: str) -> str:
    """Ask whether the provider still knows a person; return the refresh token for the next time.

    Core section 12. Raises GrantEnded if it does not, ProviderFault or Busy.
    """
    form = prepare_token_request("refresh_token", refresh_token=refresh_token)
    try:
        return _post(metadata, client, form).refresh_token or refresh_token
    except GrantEnded:
        raise
    except RefusedByProvider as error:  # of Keyhouse as a client: that says nothing of the person
        raise ProviderFault(error.detail) from None


def _post(metadata: Metadata, client: Client, form: str) -> Tokens:
    """Send a form to the token endpoint, as this client.

    Raises RefusedByProvider for an OAuth2 error, GrantEnded if it is `invalid_grant`, ProviderFault or Busy.
    """
    headers = {"Content-Type": FORM, "Accept": "application/json"}
    methods = metadata.token_endpoint_auth_methods_supported
    if client.secret and "client_secret_basic" in methods:
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"  # RFC 6749 section 2.3.1
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form += f"&client_id={quote_plus(client.client_id)}"
        form += f"&client_secret={quote_plus(client.secret)}" if client.secret else ""
    answer = ask(metadata.issuer, metadata.token_endpoint, headers=headers, body=form.encode())
    if answer.status in (400, 401):
        _check_grant(answer.body)
        raise RefusedByProvider(REFUSED)
    if answer.status != 200:
        raise ProviderFault(MALFORMED)
    try:
        return msgspec.json.decode(answer.body, type=Tokens)
    except UNREADABLE:
        raise ProviderFault(MALFORMED) from None


def _check_grant(body: bytes) -> None:
    """Raise GrantEnded if an OAuth2 error is about the code or the refresh token."""
    with suppress(*UNREADABLE):
        if msgspec.json.decode(body, type=_Refusal).error == "invalid_grant":
            raise GrantEnded(REFUSED)


def _completed(metadata: Metadata, person: Person, wanted: frozenset[str], access_token: str) -> Person:
    """Add the claims of the userinfo endpoint if the ID token lacks one that is `wanted`.

    They must be about the same `sub` (Core section 5.3.2). How the person logged in is in the ID token alone.
    """
    if wanted <= person.claims.keys() or not (metadata.userinfo_endpoint and access_token):
        return person
    headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
    answer = ask(metadata.issuer, metadata.userinfo_endpoint, headers=headers)
    if answer.status != 200:
        raise ProviderFault(MALFORMED)
    try:
        more = msgspec.json.decode(answer.body, type=dict[str, Any])
    except UNREADABLE:
        raise ProviderFault(MALFORMED) from None
    if more.get("sub") != person.sub:
        raise ProviderFault(WRONG)
    return read({name: more[name] for name in more.keys() - OF_ID_TOKENS} | dict(person.claims))
