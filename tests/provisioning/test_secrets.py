"""Where secrets go: durable before the commit, readable by the operator alone, and shown once."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate.utils import latest_version, validate

from apikeys.models import ApiKey
from oauth.models import OAuthClient
from oauth.services.clients import is_secret_of
from provisioning import places
from tests.conftest import Cast
from tests.provisioning.conftest import Write, applied, apply, drift_of, refused, works

KEYS = (
    "organizations: {Acme: {keys: {CI: {scopes: [services:read]}}, clients: {M: {scopes: [services:read]}}}}"
)


@pytest.fixture(autouse=True)
def file(cast: Cast, write: Write) -> None:
    write(KEYS)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_secret_is_a_file_of_the_operator_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        printed = apply("--secrets-dir", "new/secrets")
    finally:
        os.umask(before)
    acme = folder / "new/secrets/Acme"
    assert {path.name: mode(path) for path in acme.iterdir()} == {
        "CI.key": 0o600,
        "M.client_id": 0o600,
        "M.client_secret": 0o600,
    }
    assert mode(acme) == mode(acme.parent) == 0o700
    text = (acme / "CI.key").read_text()
    assert works(text)
    client = OAuthClient.objects.get()
    assert (acme / "M.client_id").read_text() == client.client_id
    assert is_secret_of(client, (acme / "M.client_secret").read_text())
    assert text not in printed and "new/secrets/Acme/CI.key" in printed


def test_without_a_place_nothing_is_made() -> None:
    said = "say where new secrets go: --secrets-dir DIR, --kubernetes-secret FILE or --print-secrets"
    assert said in refused()
    assert not ApiKey.objects.exists()


def test_secrets_are_printed_when_asked_and_never_again(capsys: pytest.CaptureFixture[str]) -> None:
    printed = apply("--print-secrets")
    (text,) = [line.removeprefix("  key: ") for line in printed.splitlines() if line.startswith("  key: ")]
    assert works(text)
    assert apply("--print-secrets") == "No changes.\n"


def test_json_has_the_secrets_when_asked() -> None:
    document = applied("--print-secrets")
    key, client = document["secrets"]
    assert works(key["texts"]["key"])
    assert set(client["texts"]) == {"client_id", "client_secret"}
    assert applied("--print-secrets") == {"applied": [], "secrets": []}


def test_a_manifest_is_one_that_kubernetes_takes(folder: Path) -> None:
    apply("--kubernetes-secret", "secrets.yaml")
    path = folder / "secrets.yaml"
    assert mode(path) == 0o600
    documents = list(yaml.safe_load_all(path.read_text()))
    for document in documents:
        validate(document, latest_version(), strict=True)
    key, client = documents
    assert key["metadata"]["annotations"] == {"keyhouse/organization": "Acme", "keyhouse/name": "CI"}
    assert works(key["stringData"]["key"])
    assert set(client["stringData"]) == {"client_id", "client_secret"}
    assert key["metadata"]["name"] != client["metadata"]["name"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_manifest_overwrites_nothing(folder: Path, kind: str) -> None:
    path = folder / "secrets.yaml"
    if kind == "link":
        path.symlink_to(folder / "elsewhere")
    else:
        path.write_text("kept")
    assert "is already there; apply it, then remove it or name another" in refused(
        "--kubernetes-secret", "secrets.yaml"
    )
    assert not ApiKey.objects.exists() and not (folder / "elsewhere").exists()


def test_a_symbolic_link_in_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets/Acme").symlink_to(folder / "elsewhere")
    assert "secrets-dir: cannot write to secrets: " in refused("--secrets-dir", "secrets")
    assert not ApiKey.objects.exists() and not list((folder / "elsewhere").iterdir())


def test_a_link_in_the_place_of_a_secret_is_replaced(folder: Path) -> None:
    (folder / "secrets/Acme").mkdir(mode=0o700, parents=True)
    (folder / "secrets").chmod(0o700)
    (folder / "victim").write_text("kept")
    (folder / "secrets/Acme/CI.key").symlink_to(folder / "victim")
    apply("--secrets-dir", "secrets")
    assert (folder / "victim").read_text() == "kept"
    assert not (folder / "secrets/Acme/CI.key").is_symlink()


def test_a_file_that_others_could_read_is_replaced_by_one_that_they_cannot(folder: Path) -> None:
    (folder / "secrets/Acme").mkdir(parents=True)
    (folder / "secrets").chmod(0o755)
    old = folder / "secrets/Acme/CI.key"
    old.write_text("old")
    old.chmod(0o644)
    with old.open() as reader:
        apply("--secrets-dir", "secrets")
        assert reader.read() == "old", "somebody who has opened the old file does not see the new secret"
    assert mode(old) == 0o600


def test_a_folder_that_others_may_write_is_refused(folder: Path) -> None:
    (folder / "secrets").mkdir()
    (folder / "secrets").chmod(0o777)
    assert "secrets must not be writable by others: chmod go-w" in refused("--secrets-dir", "secrets")
    (folder / "secrets").chmod(0o755)
    (folder / "secrets/Acme").mkdir()
    (folder / "secrets/Acme").chmod(0o777)
    assert "Acme must not be writable by others: chmod go-w" in refused("--secrets-dir", "secrets")
    assert not ApiKey.objects.exists()


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    (folder / "secrets").write_text("")
    assert "secrets-dir: cannot write to secrets: " in refused("--secrets-dir", "secrets")
    assert "must be a folder that is writable" in refused("--kubernetes-secret", "none/secrets.yaml")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("option", ["--secrets-dir", "--kubernetes-secret"])
def test_a_full_disk_undoes_the_organization(
    folder: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """The disk is full when the secret must reach it."""

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        assert "No space left on device" in refused(option, "secrets")
    assert not ApiKey.objects.exists()
    left = [path for path in folder.rglob("secrets/**/*") if path.is_file()]
    assert left == []
    if option == "--secrets-dir":
        apply(option, "secrets")
        assert drift_of()[0] == 0


def test_secrets_are_on_the_disk_before_the_commit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a crash between the two leaves is a file with a key that was never valid; it is overwritten."""
    keep = places.Folder.keep

    class Killed(BaseException):
        pass

    def kept(self: places.Folder, secrets: Any) -> list[str]:
        keep(self, secrets)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(places.Folder, "keep", kept)
        with pytest.raises(Killed):
            apply("--secrets-dir", "secrets")
    left = (folder / "secrets/Acme/CI.key").read_text()
    assert not works(left)
    apply("--secrets-dir", "secrets")
    text = (folder / "secrets/Acme/CI.key").read_text()
    assert text != left and works(text)


@pytest.mark.once
def test_names_become_file_names_that_stay_in_the_folder() -> None:
    for name in ("..", ".", "../../etc/passwd", "a/b", "-rf", "ключ", "x" * 100, "A b", "", "🔑" * 100):
        file = places._file_name(name)
        assert file not in {"", ".", ".."} and "/" not in file and len(file) <= 100 and file.isascii()
    assert places._file_name("CI-1.x_y") == "CI-1.x_y"
    assert places._file_name("A b") != places._file_name("a b")
