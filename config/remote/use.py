"""What the commands do with a Keyhouse elsewhere and the kept tokens: log in, refresh, log out."""

import os
import sys
import time
import webbrowser
from collections.abc import Callable

from django.core.management.base import CommandError

from config.logs import escape
from config.outgoing.client import OutgoingError, Unreachable
from config.program import command
from config.remote.keyhouse import Codes, Keyhouse, Refused, Tokens, reason
from config.remote.logins import Login, Storage

SLOWER = 5  # seconds that `slow_down` adds, and for all polls after it (RFC 8628 section 3.5)
EARLY = 30  # seconds before the end of an access token in which it is refreshed
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
ENDINGS = {
    "access_denied": "nobody allowed it, or the person has none of the permissions",
    "expired_token": "the code has expired",
    "invalid_grant": "the code is used up, or access was withdrawn",
}


def ask_for_codes(keyhouse: Keyhouse, client_id: str, scopes: list[str]) -> Codes:
    """Ask a Keyhouse for codes. Raises CommandError."""
    try:
        return keyhouse.ask(client_id=client_id, scopes=scopes)
    except (Refused, OutgoingError) as error:
        raise CommandError(f"{keyhouse.url} did not give a code: {reason(error)}") from None


def wait_for_person(
    keyhouse: Keyhouse, client_id: str, codes: Codes, *, wait: Callable[[float], None] = time.sleep
) -> Tokens:
    """Poll until the person has answered (RFC 8628 section 3.5). Raises CommandError if there are no tokens.

    `wait` takes the seconds until the next poll.
    """
    interval, left = codes.interval, codes.expires_in
    while left > 0:
        wait(interval)  # the protocol asks for it before each poll
        left -= interval
        try:
            return keyhouse.poll(client_id=client_id, device_code=codes.device_code)
        except Unreachable:
            interval *= 2
        except Refused as refused:
            if refused.error == "slow_down":
                interval += SLOWER
            elif refused.error != "authorization_pending":
                why = ENDINGS.get(refused.error) or reason(refused)
                raise CommandError(f"you are not logged in: {why}") from None
    raise CommandError(f"you are not logged in: {ENDINGS['expired_token']}")


def replace(storage: Storage, keyhouse: Keyhouse, client_id: str, tokens: Tokens) -> Login:
    """Keep the tokens of a new login, and revoke those of an earlier one.

    Raises CommandError. If the tokens cannot be kept, they are revoked.
    """
    login = _made(keyhouse, client_id, tokens)
    try:
        with storage.locked():
            earlier = storage.load(keyhouse.url)
            storage.save(login)
    except CommandError:
        _revoke(keyhouse, login)
        raise
    if earlier is not None:
        _revoke(keyhouse, earlier)
    return login


def current(storage: Storage, url: str) -> Login:
    """Return the login at a Keyhouse, with an access token that is refreshed if it ends within EARLY seconds.

    Raises CommandError if nobody is logged in, or the login has ended.
    """
    with storage.locked():
        login = _kept(storage, url)
        if login.expires_at - EARLY > time.time():
            return login
        keyhouse = Keyhouse.at(url)
        try:
            tokens = keyhouse.refresh(client_id=login.client_id, refresh_token=login.refresh_token)
        except Unreachable as error:
            raise CommandError(f"{url} cannot be reached: {error}") from None
        except Refused as refused:
            raise CommandError(
                f"the login at {url} has ended ({escape(refused.error)}). Log in again"
            ) from None
        newest = _made(keyhouse, login.client_id, tokens)
        storage.save(newest)
        return newest


def log_out(storage: Storage, url: str) -> None:
    """Revoke the tokens at their Keyhouse, then forget them.

    Raises CommandError, and keeps them, if that fails: then it can be repeated.
    """
    with storage.locked():
        _revoke(Keyhouse.at(url), _kept(storage, url))
        storage.forget(url)


def open_browser(address: str) -> bool:
    """Open a page in the person's browser. Return False if this machine has none that they would see."""
    is_remote = "SSH_CONNECTION" in os.environ
    has_display = sys.platform == "darwin" or any(os.environ.get(name) for name in DISPLAYS)
    return sys.stderr.isatty() and has_display and not is_remote and webbrowser.open(address)


def _kept(storage: Storage, url: str) -> Login:
    login = storage.load(url)
    if login is None:
        raise CommandError(f"you are not logged in at {url}. Run: {command('login')} {url}")
    return login


def _made(keyhouse: Keyhouse, client_id: str, tokens: Tokens) -> Login:
    return Login(
        url=keyhouse.url,
        client_id=client_id,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=time.time() + tokens.expires_in,
    )


def _revoke(keyhouse: Keyhouse, login: Login) -> None:
    """Revoke the tokens, unless their client was deleted, which ended them. Raises CommandError."""
    try:
        keyhouse.revoke(client_id=login.client_id, refresh_token=login.refresh_token)
    except (Refused, OutgoingError) as error:
        if isinstance(error, Refused) and error.error == "invalid_client":
            return
        raise CommandError(f"{keyhouse.url} did not revoke the tokens: {reason(error)}") from None
