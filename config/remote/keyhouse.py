"""What a person's own commands send to a Keyhouse elsewhere (RFC 6749, 7009, 8414 and 8628).

Everything goes over HTTPS, except on this machine. Redirects are not followed, and every endpoint must be
below the address that the person gave, so tokens go nowhere else.
"""

from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlencode

import msgspec
from django.core.management.base import CommandError

from config.logs import escape
from config.outgoing.client import Answer, BadAddress, OutgoingError, Unreachable, fetch

EVERYWHERE = ("0.0.0.0/0", "::/0")
LOOPBACK = ("127.0.0.0/8", "::1/128")
MOST_BYTES = 64 * 1024
SECONDS = 20.0  # for one request
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
METADATA = "/.well-known/oauth-authorization-server"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

Seconds = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Unprinted(msgspec.Struct, frozen=True):
    """Members of an answer, some of them secret: printing one shows its class alone."""

    def __repr__(self) -> str:
        return type(self).__name__


class Codes(Unprinted, frozen=True):
    """What a device gets when it asks (RFC 8628 section 3.2)."""

    device_code: Text
    user_code: Text
    verification_uri: Text
    expires_in: Seconds
    interval: Seconds = 5


class Tokens(Unprinted, frozen=True):
    """What the token endpoint issues (RFC 6749 section 5.1)."""

    access_token: Text
    refresh_token: Text
    expires_in: Seconds


class Metadata(msgspec.Struct, frozen=True):
    """What an authorization server says about itself (RFC 8414 section 2)."""

    issuer: Text
    device_authorization_endpoint: Text
    token_endpoint: Text
    revocation_endpoint: Text


class _Refusal(msgspec.Struct):
    error: str = ""


Body = TypeVar("Body", Codes, Tokens, Metadata)


class Refused(Exception):
    """The Keyhouse refused. `error` is the code of RFC 6749 section 5.2, or the status of the answer."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class Keyhouse:
    """A Keyhouse at `url`, and where its endpoints are."""

    url: str
    metadata: Metadata

    @classmethod
    def at(cls, url: str) -> "Keyhouse":
        """Return the Keyhouse at an address. Raises CommandError if it has another name."""
        try:
            metadata = _body(Metadata, fetch_from(f"{url}{METADATA}"))
        except Refused:
            raise CommandError(f"{url} does not answer as a Keyhouse with the device grant.") from None
        except Unreachable as error:
            raise CommandError(f"{url} cannot be reached: {error}") from None
        if metadata.issuer != url:
            raise CommandError(f"{url} calls itself {escape(metadata.issuer)}. Use that address.")
        endpoints = (metadata.device_authorization_endpoint, metadata.token_endpoint)
        for endpoint in (*endpoints, metadata.revocation_endpoint):
            check_below(url, endpoint)
        return cls(url, metadata)

    def ask(self, *, client_id: str, scopes: list[str]) -> Codes:
        """Ask for codes. Raises Refused and CommandError."""
        members = {"client_id": client_id} | ({"scope": " ".join(scopes)} if scopes else {})
        codes = _body(Codes, self._post(self.metadata.device_authorization_endpoint, members))
        check_below(self.url, codes.verification_uri)
        return codes

    def poll(self, *, client_id: str, device_code: str) -> Tokens:
        """Poll once. Raises Refused and Unreachable."""
        return self._tokens({"grant_type": DEVICE_GRANT, "client_id": client_id, "device_code": device_code})

    def refresh(self, *, client_id: str, refresh_token: str) -> Tokens:
        """Exchange a refresh token, which works once. Raises Refused and Unreachable."""
        members = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token}
        return self._tokens(members)

    def revoke(self, *, client_id: str, refresh_token: str) -> None:
        """End everything that came of one consent (RFC 7009). Raises Refused and Unreachable."""
        self._post(self.metadata.revocation_endpoint, {"client_id": client_id, "token": refresh_token})

    def _tokens(self, members: dict[str, str]) -> Tokens:
        return _body(Tokens, self._post(self.metadata.token_endpoint, members))

    def _post(self, endpoint: str, members: dict[str, str]) -> Answer:
        return fetch_from(endpoint, urlencode(members).encode())


def address_of(typed: str) -> str:
    """Return a person's spelling of a Keyhouse's address as its issuer spells it."""
    return typed.rstrip("/")


def check_below(url: str, address: str) -> None:
    """Raise CommandError unless an address that a Keyhouse names belongs to the Keyhouse at `url`."""
    if not address.startswith(f"{url}/"):
        raise CommandError(f"{url} names an address that is not its own: {escape(address)}.")


def fetch_from(url: str, form: bytes | None = None) -> Answer:
    """Send a request to a Keyhouse. Raises Refused, Unreachable, and CommandError for a bad address."""
    is_secure = url.startswith("https://")
    try:
        answer = fetch(
            url,
            networks=EVERYWHERE if is_secure else LOOPBACK,
            most_bytes=MOST_BYTES,
            seconds=SECONDS,
            method="GET" if form is None else "POST",
            headers=FORM,
            body=form,
        )
    except BadAddress as error:
        hint = "" if is_secure else " Only a Keyhouse on this machine is called without TLS."
        raise CommandError(f"{escape(url)} cannot be called. {error}{hint}") from None
    if not answer.is_whole:
        raise Unreachable("the answer is too large")
    if answer.status != 200:
        raise Refused(_error_in(answer))
    return answer


def reason(error: Refused | OutgoingError) -> str:
    """Return why there are no tokens, in words for the person."""
    return f"it answered {escape(error.error)}" if isinstance(error, Refused) else str(error)


def _body(kind: type[Body], answer: Answer) -> Body:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("with a body that is not as expected") from None


def _error_in(answer: Answer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).error or f"status {answer.status}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"status {answer.status}"
