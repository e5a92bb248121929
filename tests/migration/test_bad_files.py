"""Export files that are damaged, or that come another way than as a file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.principals import Caller
from accounts.models import User
from accounts.users.services import create_user
from apikeys.models import ApiKey
from tests.commands.helpers import refusal_of, run
from tests.conftest import PASSWORD, Cast
from tests.migration.using import status

KEY, OTHER = "hAq8GrmGQcSIzBnNS1n3iWmDfYOJHhCV", "Zt4wLx9RkPq2VbN7sJmF3yGcD6hTeWuA"
DAMAGED = [b"\xff\xfe", f'"{OTHER}"x,alice'.encode(), f'"{OTHER},alice'.encode()]
ADDRESS = "nora@b\u00fccher.example"
MAKE = ("--make-owners", "member")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.csv"


def test_a_file_as_spreadsheets_write_it_is_read(cast: Cast, path: Path, scopes: str) -> None:
    text = f'"name","key","owner"\r\n"a, ""b"" c",{KEY},"alice"\r\n\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert run("importkeys", "--from", "csv", str(path), "--scopes", scopes)["imported"] == 1
    assert ApiKey.objects.get().name == 'a, "b" c'
    assert status({"Authorization": f"Bearer {KEY}"}) == 200


@pytest.mark.parametrize("option", ["--keep-going", "--dry-run"])
@pytest.mark.parametrize("end", DAMAGED, ids=["not text", "wrong quotes", "open quotes"])
def test_a_file_whose_end_is_damaged_changes_nothing(
    cast: Cast, path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes, option: str
) -> None:
    monkeypatch.setattr("migration.services.AT_ONCE", 1)
    path.write_bytes(f"key,owner\n{KEY},alice\n".encode() + end)
    said = refusal_of("importkeys", "--from", "csv", str(path), option)
    assert "keys.csv is not" in said and not ApiKey.objects.exists()


@pytest.fixture
def pipe() -> Iterator[str]:
    """The path of a pipe with a file in it, as a shell's <(…) makes it."""
    reader, writer = os.pipe()
    os.write(writer, f"key,owner\n{KEY},alice\n".encode())
    os.close(writer)
    yield f"/dev/fd/{reader}"
    os.close(reader)


@pytest.mark.parametrize("option", ["--keep-going", "--dry-run"])
def test_a_pipe_is_read_where_once_is_enough(cast: Cast, pipe: str, option: str) -> None:
    assert run("importkeys", "--from", "csv", pipe, option)["imported"] == 1


def test_a_pipe_that_must_be_read_twice_is_refused(cast: Cast, pipe: str) -> None:
    said = refusal_of("importkeys", "--from", "csv", pipe)
    assert f"{pipe} must be a file, because it is read 2 times" in said


@pytest.mark.requirement(143)
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("Alice,", "the owner 'Alice' may not be alice; if so, name them as they are here"),
        ("mallory2,alice@example.org", "the owner 'mallory2' may not be alice"),
        ("mallory2@example.org,Alice@EXAMPLE.org", "the owner 'mallory2@example.org' may not be alice"),
        ("\u0430lice,alice@example.org", "the owner '\\u0430lice' may not be alice"),
        ("al\u200bice,", "the owner 'al\\u200bice' may not be alice"),
    ],
)
def test_nobody_gets_a_key_of_somebody_who_is_only_called_alike(
    cast: Cast, path: Path, row: str, words: str
) -> None:
    path.write_text(f"key,owner,email\n{KEY},{row}\n")
    people = User.objects.count()
    assert words in refusal_of("importkeys", "--from", "csv", str(path), *MAKE)
    assert run("importkeys", "--from", "csv", str(path), *MAKE, "--keep-going")["faulty"] == 1
    assert not ApiKey.objects.exists() and User.objects.count() == people


@pytest.mark.requirement(143)
def test_of_two_spellings_in_one_file_the_second_is_not_the_first(cast: Cast, path: Path) -> None:
    path.write_text(f"key,owner,email\n{KEY},Nora,n@example.org\n{OTHER},nora,o@example.org\n")
    assert "keys.csv:3: the owner 'nora' may not be Nora" in refusal_of(
        "importkeys", "--from", "csv", str(path), *MAKE
    )
    assert not User.objects.filter(username="Nora").exists()


def test_an_address_names_a_person_however_it_is_spelled(cast: Cast, path: Path, operator: Caller) -> None:
    create_user(caller=operator, username=None, email=ADDRESS, name="Nora", role="member", password=PASSWORD)
    rows = [f"{KEY},NORA@B\u00dcCHER.example,", f"{OTHER},nora@xn--bcher-kva.example,"]
    third = f"{KEY[::-1]},,Nora@b\u00fccher.example"
    fourth = f"{OTHER[::-1]},nora,{ADDRESS}"
    path.write_text("\n".join(["key,owner,email", *rows, third, fourth]))
    people = User.objects.count()
    assert run("importkeys", "--from", "csv", str(path), *MAKE)["imported"] == 4
    assert User.objects.count() == people
    assert set(ApiKey.objects.values_list("user__email", flat=True)) == {ADDRESS}
