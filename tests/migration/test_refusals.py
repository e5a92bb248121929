"""What an import refuses, in one line that names no key."""

from pathlib import Path

import pytest

from apikeys.models import ApiKey
from tests.commands.helpers import refusal_of
from tests.conftest import Cast
from tests.migration.conftest import Write
from tests.migration.systems import System

KEY, OTHER = "hAq8GrmGQcSIzBnNS1n3iWmDfYOJHhCV", "Zt4wLx9RkPq2VbN7sJmF3yGcD6hTeWuA"
LONG = "x" * 5_000

BAD = [
    ("key,owner\nshort,alice\n", "keys.csv:2: key must have the form of csv"),
    ("key,owner\nabcdefghijklmnopqrstuvwxyz,alice\n", "keys.csv:2: key is too easy to guess"),
    ("key,owner\npasswordpasswordpassword,alice\n", "keys.csv:2: key is too easy to guess"),
    (f"key,owner\n{KEY},nobody\n", "keys.csv:2: the owner 'nobody' does not exist"),
    (f"key,owner\n{KEY},\n", "keys.csv:2: names no owner"),
    (f"key,organization\n{KEY},Nothing\n", "keys.csv:2: the organization 'Nothing' does not exist"),
    (f"key,owner,scopes\n{KEY},alice,admin\n", "does not say what 'admin' becomes"),
    (f"key,owner,expires_at\n{KEY},alice,soon\n", "keys.csv:2: expires_at must be an ISO 8601 time"),
    (f"key,owner,revoked\n{KEY},alice,maybe\n", "keys.csv:2: revoked must be true or false"),
    (f"key,owner,allowed_networks\n{KEY},alice,10.0.0.1/8\n", "keys.csv:2: allowed_networks: "),
    (f"key,owner\n{KEY},alice,more\n", "keys.csv:2: has more fields than the first line names"),
    (f"key,owner,revoked\n{KEY},alice\n", "keys.csv:2: has fewer fields than the first line names"),
    (f"key,owner\n{KEY},{LONG}\n", "keys.csv:2: the owner 'xxx"),
    (f"key,email\n{KEY},{LONG}@example.org\n", "keys.csv:2: the owner 'xxx"),
    (f"key,organization\n{KEY},{LONG}\n", "keys.csv:2: the organization 'xxx"),
    (f"key,owner,scopes\n{KEY},alice,{LONG}\n", "does not say what 'xxx"),
    (f"key,owner,name\n{KEY},alice,{LONG}\n", "keys.csv:2: "),
    (f"key,owner,allowed_networks\n{KEY},alice,{LONG}\n", "keys.csv:2: allowed_networks: "),
    (f"key,owner\n{LONG},alice\n", "keys.csv:2: key must have the form of csv"),
    (f"key,{LONG}\n", "the column 'xxx"),
    (f"key,owner\n{KEY},{'x' * 200_000}\n", "keys.csv is not CSV: field larger than field limit"),
    (f"key,owner,prefix\n{KEY},alice,\u202eabc\n", "keys.csv:2: prefix must be printable ASCII"),
    (f'key,owner\n"{KEY},alice\n', "is not CSV"),
    (f"key,owner\n{KEY},al\0ice\n", "keys.csv:2: contains a NUL"),
    ("owner\nalice\n", "keys.csv:1: the first line must name the columns"),
    ("key,secret\n", "the column 'secret' is unknown or repeated"),
    ("key,key\n", "the column 'key' is unknown or repeated"),
    ("", "keys.csv:1: the first line must name the columns"),
    (f'key,owner\n"{KEY}"x,alice\n', "is not CSV"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_broken_file_is_refused_whole_in_one_line(cast: Cast, write: Write, text: str, words: str) -> None:
    before = f"{text}{OTHER},alice\n" if text.startswith(f"key,owner\n{KEY},") else text
    refusal = refusal_of("importkeys", "--from", "csv", write(before))
    assert words in refusal and len(refusal.splitlines()) == 1 and len(refusal) < 700
    assert KEY not in refusal and not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "csv", "/nowhere/keys.csv"), "from: /nowhere/keys.csv: No such file"),
        (("--from", "csv", "sqlite:///x"), "csv reads a file"),
        (("--from", "knox", "mysql://host/x"), "must begin with postgres:// or sqlite:///"),
        (("--from", "knox", "sqlite:////nowhere/x"), "cannot read"),
        (("--from", "knox", "postgres://me:secret@host/x"), "must have no password"),
        (("--from", "knox", "postgres://me@host/x?password=secret"), "must have no password"),
        (("--from", "knox", "postgres://me:secret@[host/x"), "from: must be a database URL such as"),
        (("--from", "knox", "postgres://host/%zz"), "from: must be a database URL such as"),
        (("--from", "csv", LONG), "File name too long"),
        (("--from", "csv", "/"), "from: /: Is a directory"),
        (("--from", "csv", "/dev/null"), "from: /dev/null must be a file, because it is read 2 times"),
        (("--from", "knox", f"sqlite:///{LONG}"), "cannot read"),
        (("--from", "knox", "x.csv", "--scopes", LONG), "File name too long"),
        (("--from", "knox", "x.csv", "--version-of-keys", "3"), "version-of-keys: must be one of: 5, 4"),
        (("--from", "knox", "x.csv", "--header", "Cookie"), "header: must be 'Authorization: SCHEME'"),
        (("--from", "knox", "x.csv", "--header", "Authorization: Basic"), "header: must be"),
        (("--from", "knox", "x.csv", "--organization", "Nothing"), "does not exist"),
        (("--from", "knox", "x.csv", "--organization", "Acme", "--make-owners", "member"), "make-owners"),
        (("--from", "knox", "x.csv", "--make-owners", "king"), "role: must be one of these roles"),
        (("--from", "knox", "x.csv", "--unused-for", "long"), "unused-for"),
        (("--from", "knox", "x.csv", "--environment", "moon"), "'moon' is not an environment"),
        (("--from", "knox", "x.csv", "--name", "two words"), "name: must have"),
        (("--from", "knox", "x.csv", "--users-table", "x; DROP"), "users-table"),
        (("--from", "knox", "x.csv", "--scopes", "/nowhere.toml"), "scopes: /nowhere.toml: No such file"),
        (("x.csv",), "from: must be one of"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(cast: Cast, arguments: tuple[str, ...], words: str) -> None:
    refusal = refusal_of("importkeys", *arguments)
    assert words in refusal and len(refusal.splitlines()) == 1 and "secret" not in refusal
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('default = ["moon:read"]', "'moon:read' is not a scope"),
        ("default = 1", "must become a list of scopes"),
        ("other = 1", "'other' is unknown"),
        ("[", "is not TOML"),
        (f"default = {'[' * 100_000}", "wrong.toml"),
        (f"{LONG} = 1", "is unknown; the members are"),
        ('default = ["a\\u0000b"]', "is not a scope"),
    ],
)
def test_a_wrong_file_of_scopes_is_refused(
    cast: Cast, drf: System, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    refusal = refusal_of("importkeys", "--from", "drf-authtoken", drf.url, "--scopes", str(path))
    assert words in refusal and len(refusal.splitlines()) == 1 and len(refusal) < 700
