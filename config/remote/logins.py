"""Where a person's commands keep their tokens: in the system's keyring, or in a file that was asked for."""

import fcntl
import os
import stat
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError

from config.remote.keyhouse import Unprinted
from config.wire.fields import timestamp

SERVICE = "keyhouse"
RECOMMENDED = 1  # the least priority of a backend that encrypts, by the keyring library's own rule
LONGEST_WAIT = 60.0  # seconds for another command, which sends up to two requests of 20 s
LOOKS_EVERY = 0.1  # seconds
OTHERS = stat.S_IRWXG | stat.S_IRWXO
INSTEAD = "use --token-file PATH to keep the tokens in a file that only you may read"


class Login(Unprinted, frozen=True):
    """The tokens of a person at the Keyhouse `url`; `expires_at` in seconds since 1970."""

    url: str
    client_id: str
    access_token: str
    refresh_token: str
    expires_at: float

    @property
    def ends(self) -> str:
        """When the access token expires, as documents say it."""
        return timestamp(datetime.fromtimestamp(self.expires_at, UTC))


class Storage(ABC):
    """Keeps logins. All its methods raise CommandError if that fails."""

    @abstractmethod
    def load(self, url: str) -> Login | None:
        """Return the login at a Keyhouse, or None."""

    @abstractmethod
    def save(self, login: Login) -> None:
        """Keep a login in place of an earlier one."""

    @abstractmethod
    def forget(self, url: str) -> None:
        """Delete the login at a Keyhouse."""

    @abstractmethod
    def _lock_path(self) -> Path:
        """Return the path of the file that is locked."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other command use the logins meanwhile: two refreshes with one token would end the login.

        Raises CommandError if another one uses them for LONGEST_WAIT.
        """
        path = self._lock_path()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CommandError(f"cannot write {path}: {error.strerror}") from None
        try:
            _lock(file, path)
            yield
        finally:
            os.close(file)


class TokenFile(Storage):
    """One login in a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))  # a link and its file are one login

    def load(self, url: str) -> Login | None:
        try:
            with self.path.open("rb") as file:
                mode, text = os.fstat(file.fileno()).st_mode, file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CommandError(f"cannot read {self.path}: {error.strerror}") from None
        if mode & OTHERS:
            raise CommandError(f"others may read {self.path}. Run: chmod 600 {self.path}")
        login = _read(text, str(self.path))
        if login.url != url:
            raise CommandError(f"{self.path} has the login at {login.url}, not at {url}")
        return login

    def save(self, login: Login) -> None:
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:  # mkstemp lets only the owner read it
                    file.write(msgspec.json.encode(login))
                Path(name).replace(self.path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(f"cannot write {self.path}: {error.strerror}") from None

    def forget(self, url: str) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(f"cannot delete {self.path}: {error.strerror}") from None

    def _lock_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")


class Keyring(Storage):
    """Logins in the system's keyring, one for each Keyhouse."""

    def __init__(self) -> None:
        """Raises CommandError unless the system has a keyring that encrypts."""
        try:
            import keyring  # an extra: servers do not need it
        except ImportError:
            raise CommandError(f"the library keyring is not installed. Install it, or {INSTEAD}") from None
        self._keyring = keyring
        if keyring.get_keyring().priority < RECOMMENDED:
            raise CommandError(f"this system has no keyring. Start one, or {INSTEAD}")

    def load(self, url: str) -> Login | None:
        with _failures():
            text = self._keyring.get_password(SERVICE, url)
        return _read(text.encode(), "the keyring") if text else None

    def save(self, login: Login) -> None:
        with _failures():
            self._keyring.set_password(SERVICE, login.url, msgspec.json.encode(login).decode())

    def forget(self, url: str) -> None:
        with _failures():
            self._keyring.delete_password(SERVICE, url)

    def _lock_path(self) -> Path:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "keyhouse" / "login.lock"


def storage_for(options: dict[str, Any]) -> Storage:
    """Return where a command keeps logins: in --token-file if it was given, else in the keyring."""
    path = options["token_file"]
    return Keyring() if path is None else TokenFile(Path(path))


def _lock(file: int, path: Path) -> None:
    """Lock an open file as soon as no other command has locked it. Raises CommandError after LONGEST_WAIT."""
    ends_at = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                raise CommandError(
                    f"another command still uses the login, and has locked {path}. End it, or try again later"
                ) from None
        time.sleep(LOOKS_EVERY)  # flock itself waits without an end


@contextmanager
def _failures() -> Iterator[None]:
    """Raise CommandError for a keyring that is locked or fails."""
    from keyring.errors import KeyringError

    try:
        yield
    except KeyringError as error:
        kind = type(error).__name__  # its text may have what was to be kept
        raise CommandError(f"the keyring cannot be used ({kind}). Unlock it, or {INSTEAD}") from None


def _read(text: bytes, place: str) -> Login:
    try:
        return msgspec.json.decode(text, type=Login)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CommandError(f"{place} does not contain a login that `keyhouse login` has stored") from None
