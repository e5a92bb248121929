"""Places that cannot take secrets: nothing is made then, and what was there stays."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from apikeys.models import ApiKey
from tests.conftest import Cast
from tests.provisioning.conftest import FILE, READ, Write, acme, apply, drift_of, refused, works

LONG = "x" * 5_000
TINY = "size=16k"
CLIENT = "clients: {M: {scopes: [services:read]}}"


@pytest.fixture
def full_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own without a free byte."""
    place = folder / "full"
    place.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", TINY, "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        place.chmod(0o700)
        with (
            pytest.raises(OSError, match="No space left"),
            (place / "filler").open("wb", buffering=0) as filler,
        ):
            while True:
                filler.write(bytes(4_096))
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)  # the command keeps a manifest open


@pytest.mark.parametrize(("option", "name"), [("--secrets-dir", ""), ("--kubernetes-secret", "secrets.yaml")])
def test_a_full_disk_leaves_no_file_and_the_same_command_works_later(
    cast: Cast, write: Write, full_disk: Path, option: str, name: str
) -> None:
    write(acme(f"CI: {{{READ}, description: {LONG[:400]}}}"))
    assert "No space left on device" in refused(option, str(full_disk / name))
    assert not ApiKey.objects.exists()
    assert [path.name for path in full_disk.rglob("*") if path.is_file()] == ["filler"]
    (full_disk / "filler").unlink()
    apply(option, str(full_disk / name))
    assert drift_of().code == 0


def test_a_folder_in_the_place_of_one_secret_leaves_the_files_of_the_others(
    cast: Cast, write: Write, folder: Path
) -> None:
    write(f"organizations: {{Acme: {{keys: {{CI: {{{READ}}}}}}}}}")
    apply("--secrets-dir", "secrets")
    kept = (folder / "secrets/Acme/CI.key").read_text()
    (folder / "secrets/Acme/M.client_secret").mkdir()
    write(f"organizations: {{Acme: {{keys: {{CI: {{{READ}, environment: test}}}}, {CLIENT}}}}}")
    said = refused("--replace", "--secrets-dir", "secrets")
    assert "secrets-dir: cannot write to secrets: " in said and "M.client_secret" in said
    assert (folder / "secrets/Acme/CI.key").read_text() == kept and works(kept)
    assert sorted(path.name for path in (folder / "secrets/Acme").iterdir()) == ["CI.key", "M.client_secret"]


def test_secrets_that_are_called_alike_have_names_of_their_own_in_kubernetes(
    db: None, write: Write, folder: Path
) -> None:
    keys, clients = f"keys: {{b-c: {{{READ}}}, B-c: {{{READ}}}}}", "clients: {b-c: {scopes: [services:read]}}"
    hook = "webhooks: {b-c: {url: 'https://hooks.example.org/'}}"
    write(f"organizations: {{a: {{{keys}, {clients}, {hook}}}, a-b: {{keys: {{c: {{{READ}}}}}}}}}\n{hook}")
    apply("--kubernetes-secret", "secrets.yaml")
    documents = list(yaml.safe_load_all((folder / "secrets.yaml").read_text()))
    names = [each["metadata"]["name"] for each in documents]
    assert len(set(names)) == len(names) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--secrets-dir", LONG), "secrets-dir: cannot write to xxx"),
        (("--kubernetes-secret", LONG), "kubernetes-secret: cannot write xxx"),
        (("--secrets-dir", "loop"), "secrets-dir: cannot write to loop: "),
        (("--kubernetes-secret", "loop"), "loop is already there"),
        (("--secrets-dir", f"{FILE}/secrets"), "secrets-dir: cannot write to "),
        (("--secrets-dir", ""), "secrets-dir: "),
        (("--kubernetes-secret", ""), "kubernetes-secret: "),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_one_line(
    cast: Cast, write: Write, folder: Path, options: tuple[str, str], words: str
) -> None:
    (folder / "loop").symlink_to("loop")
    write(acme(f"CI: {{{READ}}}"))
    said = refused(*options)
    assert words in said and len(said.splitlines()) == 1
    assert not ApiKey.objects.exists()


def test_secrets_that_cannot_be_printed_are_not_made(cast: Cast, write: Write) -> None:
    write(acme(f"CI: {{{READ}}}"))
    full = open("/dev/full", "w")  # noqa: SIM115 (closing it fails, too)
    try:
        with pytest.raises(CommandError, match="print-secrets: cannot print new secrets: No space left"):
            call_command("apply", FILE, "--print-secrets", stdout=full)
    finally:
        with suppress(OSError):
            full.close()
    assert not ApiKey.objects.exists()
