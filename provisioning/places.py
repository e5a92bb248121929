"""Where new secrets go. `keep` returns when they would survive a crash, so it comes before the commit."""

import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import yaml

from config.env import reason
from config.wire.errors import Invalid
from provisioning.kinds.base import Secret

FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")  # RFC 1123, as Kubernetes wants names
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
        for secret in secrets:
            of = f" of {secret.organization}" if secret.organization else ""
            texts = (f"  {name}: {text}\n" for name, text in secret.texts.items())
            self.stream.write(f"{secret.kind} {secret.name}{of}, shown only now:\n{''.join(texts)}")
        self.stream.flush()
        return ["shown above"] * len(secrets)


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
        _sync_folder(each.parent)


def _sync_folder(path: Path) -> None:
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


def _remove(file: _File) -> None:
    with suppress(FileNotFoundError):
        os.unlink(file.draft, dir_fd=file.folder)


def _file_name(name: str) -> str:
    return name if FILE_NAME.fullmatch(name) else _slug(name)


def _slug(name: str) -> str:
    """Return letters, digits and hyphens for any name; a part of its hash keeps it apart from others."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:SLUG_LENGTH].strip("-")
    return f"{words}-{sha256(name.encode()).hexdigest()[:8]}".strip("-")


class Manifest(Place):
    """A file (mode 0600) with a Kubernetes Secret for each secret, for kubectl apply."""

    def __init__(self, path: str) -> None:
        self.path, self.file = path, -1

    def check(self) -> None:
        path = Path(self.path)
        if self.file < 0 and (path.is_symlink() or path.exists()):
            raise Invalid(
                "kubernetes-secret", f"{path} is already there; apply it, then remove it or name another"
            )
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise Invalid("kubernetes-secret", f"{path.parent} must be a folder that is writable")

    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        with self._refusing():
            if self.file < 0:
                self._make()
            length = os.fstat(self.file).st_size
            try:
                with os.fdopen(os.dup(self.file), "w") as opened:
                    opened.writelines(map(_manifest, secrets))
                    opened.flush()
                    os.fsync(opened.fileno())
            except OSError:
                os.ftruncate(self.file, length)
                raise
        return [f"{self.path}: {_secret_name(each)}" for each in secrets]

    def _make(self) -> None:
        self.file = os.open(self.path, CREATE | os.O_APPEND, 0o600)
        _sync_folder(Path(self.path).parent)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Invalid("kubernetes-secret", f"cannot write {self.path}: {reason(error)}") from None


def _manifest(secret: Secret) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": _secret_name(secret),
            "annotations": {"keyhouse/organization": secret.organization, "keyhouse/name": secret.name},
        },
        "type": "Opaque",
        "stringData": dict(secret.texts),
    }
    return f"---\n{yaml.safe_dump(document, sort_keys=False, allow_unicode=True)}"


def _secret_name(secret: Secret) -> str:
    names = filter(None, (secret.organization, secret.name))
    return "-".join(name if LABEL.fullmatch(name) else _slug(name) for name in names)
