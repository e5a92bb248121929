"""Where new secrets go. `keep` returns when they would survive a crash. Call it before the commit."""

import errno
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from config.env import reason
from config.wire.errors import Invalid
from provisioning.kinds.base import Secret

FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
SLUG_LENGTH = 40
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Place(ABC):
    """A place for secrets."""

    def check(self) -> None:  # noqa: B027 (a stream needs none)
        """Raise Invalid if the place cannot take secrets, before anything is changed."""

    @abstractmethod
    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        """Store the secrets, and return where each is. Raises Invalid, and stores none then."""


class Nowhere(Place):
    """The operator has not said where secrets go."""

    def check(self) -> None:
        raise Invalid(
            "secrets-dir",
            "say where new secrets go: --secrets-dir DIR, --kubernetes-secret FILE or --print-secrets",
        )

    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        self.check()
        return []


class Stream(Protocol):
    """Where text is written, such as a command's output."""

    def write(self, msg: str, /) -> object: ...

    def flush(self) -> object: ...


class Printed(Place):
    """A stream, such as standard output."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        try:
            for secret in secrets:
                self.stream.write(self._lines(secret))
            self.stream.flush()
        except OSError as error:
            raise Invalid("print-secrets", f"cannot print new secrets: {reason(error)}") from None
        return ["shown above"] * len(secrets)

    def _lines(self, secret: Secret) -> str:
        of = f" of {secret.organization}" if secret.organization else ""
        texts = (f"  {name}: {text}\n" for name, text in secret.texts.items())
        return f"{secret.kind} {secret.name}{of}, shown only now:\n{''.join(texts)}"


class Kept(NamedTuple):
    """A secret for a program that reads the output."""

    organization: str
    kind: str
    name: str
    texts: dict[str, str]


class Collected(Place):
    """A list, which is printed with the rest of the JSON document."""

    def __init__(self) -> None:
        self.secrets: list[Kept] = []

    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        self.secrets += (Kept(each.organization, each.kind, each.name, dict(each.texts)) for each in secrets)
        return ["secrets"] * len(secrets)


class _File(NamedTuple):
    folder: int
    name: str
    text: str

    @property
    def draft(self) -> str:
        return f".{self.name}.new"


class Folder(Place):
    """A folder with a folder for each organization, and a file (mode 0600) for each text of a secret."""

    def __init__(self, path: str) -> None:
        self.path = path

    def check(self) -> None:
        with self._opened():
            pass

    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        with self._opened() as top, self._refusing(), ExitStack() as stack:
            folders: dict[str, int] = {}
            for name in {each.organization for each in secrets}:
                folders[name] = _open_below(top, name)
                stack.callback(os.close, folders[name])
            _write_all([file for each in secrets for file in _files(folders[each.organization], each)])
            for folder in (*folders.values(), top):
                os.fsync(folder)
        return [", ".join(self._paths(each)) for each in secrets]

    def _paths(self, secret: Secret) -> Iterator[str]:
        folder = Path(self.path, _file_name(secret.organization) if secret.organization else "")
        for name in secret.texts:
            yield str(folder / f"{_file_name(secret.name)}.{name}")

    @contextmanager
    def _opened(self) -> Iterator[int]:
        with self._refusing():
            _make_folder(Path(self.path))
            folder = os.open(self.path, FOLDER)
        try:
            _check_is_private(folder, self.path)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise Invalid("secrets-dir", f"{self.path} must be writable")
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Invalid("secrets-dir", f"cannot write to {self.path}: {reason(error)}") from None


def _make_folder(path: Path) -> None:
    """Make a folder and those above it, so that they would survive a crash."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(path: Path) -> None:
    """Return when new names in a folder would survive a crash."""
    folder = os.open(path, FOLDER)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_is_private(folder: int, name: str) -> None:
    """Raise Invalid if others could put links or files into the folder."""
    if stat.S_IMODE(os.fstat(folder).st_mode) & 0o022:
        raise Invalid("secrets-dir", f"{name} must not be writable by others: chmod go-w")


def _open_below(top: int, organization: str) -> int:
    """Return the folder of an organization, which is no symbolic link, or `top` again without one."""
    if not organization:
        return os.dup(top)
    name = _file_name(organization)
    with suppress(FileExistsError):
        os.mkdir(name, mode=0o700, dir_fd=top)
    folder = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=top)
    try:
        _check_is_private(folder, name)
    except Invalid:
        os.close(folder)
        raise
    return folder


def _files(folder: int, secret: Secret) -> Iterator[_File]:
    for text_name, text in secret.texts.items():
        yield _File(folder, f"{_file_name(secret.name)}.{text_name}", text)


def _write_all(files: Sequence[_File]) -> None:
    """Write all files beside their places, then move them there: a full disk leaves the old ones."""
    drafts: list[_File] = []
    try:
        for file in files:
            _check_can_move(file)
            _remove(file)
            drafts.append(file)
            with os.fdopen(os.open(file.draft, CREATE, 0o600, dir_fd=file.folder), "w") as opened:
                opened.write(file.text)
                opened.flush()
                os.fsync(opened.fileno())
        for file in files:
            os.rename(file.draft, file.name, src_dir_fd=file.folder, dst_dir_fd=file.folder)
            drafts.remove(file)
    finally:
        for file in drafts:
            _remove(file)


def _check_can_move(file: _File) -> None:
    """Raise OSError if a folder is where the file is moved to, before others are moved."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(file.name, dir_fd=file.folder, follow_symlinks=False).st_mode):
            raise IsADirectoryError(errno.EISDIR, f"{file.name} is a folder")


def _remove(file: _File) -> None:
    with suppress(FileNotFoundError):
        os.unlink(file.draft, dir_fd=file.folder)


def _file_name(name: str) -> str:
    return name if FILE_NAME.fullmatch(name) else _slug(name)


def _slug(name: str) -> str:
    """Return letters, digits and hyphens for any name; a part of its hash keeps it apart from others."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:SLUG_LENGTH].strip("-")
    return f"{words}-{part_of_hash(name)}".strip("-")


def part_of_hash(text: str) -> str:
    """Return eight characters that differ for nearly all texts."""
    return sha256(text.encode()).hexdigest()[:8]
