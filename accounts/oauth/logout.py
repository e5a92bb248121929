"""A client's request to log the person out (OpenID Connect RP-Initiated Logout 1.0, section 2)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
from django.conf import settings
from django.http import QueryDict
from jwt.types import Options

from accounts import signing
from accounts.models import OAuthClient, User
from accounts.names import fold, fold_email
from config import profiles
from config.errors import Invalid, InvalidToken

PARAMETERS = ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state")


@dataclass(frozen=True)
class LogoutRequest:
    """What was asked, checked. `hinted` is the uuid of the person in a good ID token, else empty.

    `back` is where the browser goes afterwards: an address of the client's with the state, or empty.
    """

    client: OAuthClient | None
    hinted: str
    logout_hint: str
    back: str

    def is_certain(self, person: User) -> bool:
        """Whether the client proved by an ID token, which we gave it, that it means this person."""
        hint, sub = self.logout_hint, str(person.uuid)
        names = {sub: hint, person.username_key: fold(hint), person.email_key: fold_email(hint)}
        return self.hinted == sub and (not hint or any(key == text for key, text in names.items()))


def known(sent: QueryDict) -> dict[str, str]:
    """Return the parameters of the standard that were sent. Raises Invalid for one that is repeated."""
    for name in PARAMETERS:
        if len(sent.getlist(name)) > 1:
            raise Invalid(name, "is repeated: send it once")
    return {name: str(sent[name]) for name in PARAMETERS if sent.get(name)}


def read(sent: QueryDict) -> LogoutRequest:
    """Check a request. Raises Invalid, naming the parameter: then nobody is logged out or sent anywhere.

    An ID token that is not good is passed over, so that the person is asked; one that has expired is good.
    """
    asked = known(sent)
    hint = _hint(asked.get("id_token_hint", ""))
    client = _client(asked.get("client_id", ""), hint)
    uri = asked.get("post_logout_redirect_uri", "")
    if uri and (client is None or uri not in client.post_logout_redirect_uris.split()):
        raise Invalid("post_logout_redirect_uri", "is not registered for this client, letter by letter")
    hinted = str(hint["sub"]) if hint and client else ""
    back = _with_state(uri, asked.get("state", "")) if uri else ""
    return LogoutRequest(client, hinted, asked.get("logout_hint", ""), back)


def _client(client_id: str, hint: dict[str, Any] | None) -> OAuthClient | None:
    """The client that is named, else that of the ID token. Raises Invalid for an unknown one, or for two."""
    audience = str(hint["aud"]) if hint else ""
    if client_id and audience and client_id != audience:
        raise Invalid("client_id", "is not the client that the id_token_hint was given to")
    wanted = client_id or audience
    client = OAuthClient.objects.filter(client_id=wanted).first() if wanted and "\0" not in wanted else None
    if client_id and client is None:
        raise Invalid("client_id", "is not the name of a client")
    return client


def _hint(text: str) -> dict[str, Any] | None:
    """The claims of an ID token of ours, however old; None for anything else."""
    policy = profiles.active().oauth2
    if not text or policy is None:
        return None
    algorithm = policy.id_token_algorithm
    checks: Options = {"require": ["iss", "sub", "aud", "iat"], "verify_exp": False, "verify_aud": False}
    try:
        key = signing.verifying_key(jwt.get_unverified_header(text).get("kid"), algorithm)
        claims: dict[str, Any] = jwt.decode(
            text, key, algorithms=[algorithm], issuer=settings.PUBLIC_URL, options=checks
        )
    except (jwt.InvalidTokenError, InvalidToken):
        return None
    return claims if isinstance(claims["aud"], str) and claims["aud"] != settings.PUBLIC_URL else None


def _with_state(uri: str, state: str) -> str:
    """The address as it is registered, letter by letter, and the state behind it."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}" if state else uri
