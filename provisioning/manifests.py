"""Secrets as a manifest for Kubernetes."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from config.env import reason
from config.wire.errors import Invalid
from provisioning.kinds.base import Secret
from provisioning.places import CREATE, Place, part_of_hash, sync_folder

NAME_LENGTH = 100  # before the hash; Kubernetes allows 253 characters (RFC 1123)


class Manifest(Place):
    """A file (mode 0600) with a Kubernetes Secret for each secret, for kubectl apply."""

    def __init__(self, path: str) -> None:
        self.path, self.file = path, -1

    def check(self) -> None:
        path = Path(self.path)
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise Invalid("kubernetes-secret", f"{path.parent} must be a folder that is writable")
        with self._refusing():
            if self.file < 0 and (path.is_symlink() or path.exists()):
                raise Invalid(
                    "kubernetes-secret", f"{path} is already there; apply it, then remove it or name another"
                )

    def keep(self, secrets: Sequence[Secret]) -> list[str]:
        with self._refusing():
            if self.file < 0:
                self.file = os.open(self.path, CREATE | os.O_APPEND, 0o600)
            length = os.fstat(self.file).st_size
            try:
                with os.fdopen(os.dup(self.file), "w") as opened:
                    opened.writelines(map(_manifest, secrets))
                    opened.flush()
                    os.fsync(opened.fileno())
                sync_folder(Path(self.path).parent)
            except OSError:
                self._take_back(length)
                raise
        return [f"{self.path}: {_secret_name(each)}" for each in secrets]

    def _take_back(self, length: int) -> None:
        """Leave the file as it was, or none if it was empty: else the next apply could not make it."""
        os.ftruncate(self.file, length)
        if not length:
            Path(self.path).unlink()
            os.close(self.file)
            self.file = -1

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
    """Return the name of a Secret: that of the kind and a part of a hash keep apart what is called alike."""
    whole = (secret.organization, secret.kind, secret.name)
    words = re.sub(r"[^a-z0-9]+", "-", "-".join(whole).lower())[:NAME_LENGTH].strip("-")
    return f"{words}-{part_of_hash(json.dumps(whole))}"
