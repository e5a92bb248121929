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
    hint = hints.read(asked.get("id_token_hint", ""))
    client = _client(asked.get("client_id", ""), hint)
    uri = asked.get("post_logout_redirect_uri", "")
    if uri and (client is None or uri not in client.post_logout_redirect_uris.split()):
        raise Invalid("post_logout_redirect_uri", "is not registered for this client, letter by letter")
    hinted = hint.person if hint and client else ""
    back = _with_state(uri, asked.get("state", "")) if uri else ""
    return LogoutRequest(client, hinted, asked.get("logout_hint", ""), back)


def _client(client_id: str, hint: Hint | None) -> OAuthClient | None:
    """The client that is named, else that of the ID token. Raises Invalid for an unknown one, or for two."""
    audience = hint.client_id if hint else ""
    if client_id and audience and client_id != audience:
        raise Invalid("client_id", "is not the client that the id_token_hint was given to")
    wanted = client_id or audience
    client = OAuthClient.objects.filter(client_id=wanted).first() if wanted and "\0" not in wanted else None
    if client_id and client is None:
        raise Invalid("client_id", "is not the name of a client")
    return client


def _with_state(uri: str, state: str) -> str:
    """The address as it is registered, letter by letter, and the state behind it."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}" if state else uri
