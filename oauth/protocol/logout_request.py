"""A client's request to log the person out (OpenID Connect RP-Initiated Logout 1.0, section 2)."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import User
from accounts.users.names import fold, fold_email
from config.wire.errors import Invalid
from oauth.models import OAuthClient
from oauth.protocol import hints
from oauth.protocol.hints import Hint

PARAMETERS = ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state")


@dataclass(frozen=True)
class LogoutRequest:
    """A checked request. `hinted` is the uuid of the person in a valid ID token, else empty.

    `back` is where the browser goes afterwards: one of the client's addresses with the state, or empty.
    """

    client: OAuthClient | None
    hinted: str
    logout_hint: str
    back: str

    def is_certain(self, person: User) -> bool:
        """Whether the client proved, by an ID token that we issued to it, that it means this person."""
        hint, sub = self.logout_hint, str(person.uuid)
        names = {sub: hint, person.username_key: fold(hint), person.email_key: fold_email(hint)}
        return self.hinted == sub and (not hint or any(key == text for key, text in names.items()))


def known(sent: QueryDict) -> dict[str, str]:
    """Return the standard parameters that were sent. Raises Invalid for a repeated one."""
    for name in PARAMETERS:
        if len(sent.getlist(name)) > 1:
            raise Invalid(name, "is repeated: send it once")
    return {name: str(sent[name]) for name in PARAMETERS if sent.get(name)}


def read(sent: QueryDict) -> LogoutRequest:
    """Check a request. Raises Invalid, naming the parameter.

    An invalid ID token is ignored, so that the person is asked. An expired one is valid here.
    """
    asked = known(sent)
    hint = hints.read(asked.get("id_token_hint", ""))
    client = _client(asked.get("client_id", ""), hint)
    uri = asked.get("post_logout_redirect_uri", "")
    if uri and (client is None or uri not in client.post_logout_redirect_uris.split()):
        raise Invalid("post_logout_redirect_uri", "must exactly match an address registered for this client")
    hinted = hint.person if hint and client else ""
    back = _with_state(uri, asked.get("state", "")) if uri else ""
    return LogoutRequest(client, hinted, asked.get("logout_hint", ""), back)


def _client(client_id: str, hint: Hint | None) -> OAuthClient | None:
    """Return the named client, else the ID token's. Raises Invalid if it is unknown or they differ."""
    audience = hint.client_id if hint else ""
    if client_id and audience and client_id != audience:
        raise Invalid("client_id", "is not the client that the id_token_hint was issued to")
    wanted = client_id or audience
    client = OAuthClient.objects.filter(client_id=wanted).first() if wanted and "\0" not in wanted else None
    if client_id and client is None:
        raise Invalid("client_id", "is not a registered client")
    return client


def _with_state(uri: str, state: str) -> str:
    """Return the address exactly as registered, with the state appended."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}" if state else uri
