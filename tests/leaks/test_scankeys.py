"""`scankeys` finds keys in files, git history and standard input, and never prints one."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.at_rest import key_text
from config import profiles

pytestmark = [pytest.mark.once, pytest.mark.requirement(133)]

FORM = profiles.load("keyhouse").keys.environments["live"]


@pytest.fixture
def key() -> str:
    return key_text.mint(FORM)


class Scan:
    """What a scan prints, and how it ends."""

    def __init__(self, *arguments: object, stdin: bytes = b"", as_json: bool = True) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.code, self.message = 0, ""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            try:
                options = ["--json"] if as_json else []
                call_command("scankeys", *map(str, arguments), *options, stdout=out, stderr=err)
            except CommandError as error:
                self.code, self.message = error.returncode, str(error)
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def found(self) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = json.loads(self.out)
        return documents

    @property
    def paths(self) -> list[str]:
        return [document["path"] for document in self.found]


def test_a_key_in_a_file_is_named_by_its_beginning_and_its_place(tmp_path: Path, key: str) -> None:
    (tmp_path / "deploy.env").write_text(f"# deploy\nTOKEN={key}\n")
    scan = Scan(tmp_path)
    assert scan.found == [
        {
            "key_prefix": key[:12],
            "environment": "live",
            "path": str(tmp_path / "deploy.env"),
            "line": 2,
            "column": 7,
            "object": "",
        }
    ]
    assert (scan.code, scan.message) == (1, "found 1 API key")
    text = Scan(tmp_path, as_json=False).out
    assert key[:12] in text and key not in text + scan.out + scan.err


def test_nothing_found_is_0(tmp_path: Path, key: str) -> None:
    (tmp_path / "a").write_text(key[:-1])
    scan = Scan(tmp_path)
    assert (scan.code, scan.found) == (0, [])
    assert Scan(tmp_path, as_json=False).out == "No API keys found.\n"


def test_standard_input_is_searched(key: str) -> None:
    assert [(each["path"], each["line"]) for each in Scan("-", stdin=f"\n\n{key}".encode()).found] == [
        ("-", 3)
    ]
    assert Scan("-", stdin=b"\xff\x00").code == 0


def test_no_statement_goes_to_the_database(db: None, tmp_path: Path, key: str) -> None:
    (tmp_path / "a").write_text(key)
    with CaptureQueriesContext(connection) as captured:
        assert Scan(tmp_path).code == 1
    assert len(captured) == 0


def test_binary_files_empty_files_and_odd_names_are_searched(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00\xff\n" + key.encode() + b"\x00")
    (tmp_path / "empty").touch()
    (tmp_path / "new\nline").write_text(key)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_text(key)
    assert [path.removeprefix(f"{tmp_path}/") for path in Scan(tmp_path).paths] == [
        "a.bin",
        "new\\nline",
        "\\xff",
    ]


def test_the_name_of_a_file_does_not_print_a_key(tmp_path: Path, key: str) -> None:
    (tmp_path / f"{key}.txt").write_text(key)
    scan = Scan(tmp_path)
    assert scan.code == 1 and key not in scan.out + scan.err


def test_links_are_not_followed_and_loops_end(tmp_path: Path, key: str) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret").write_text(key)
    (inside / "loop").symlink_to(inside)
    (inside / "out").symlink_to(outside)
    (inside / "file").symlink_to(outside / "secret")
    assert Scan(inside).code == 0
    assert Scan(inside / "file").code == 1  # it was named
    (inside / "itself").symlink_to("itself")
    scan = Scan(inside / "itself")
    assert scan.code == 2 and "cannot read" in scan.err


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert Scan(tmp_path).code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path, key: str) -> None:
    (tmp_path / "closed").write_text(key)
    (tmp_path / "closed").chmod(0)
    scan = Scan(tmp_path)
    assert (scan.code, scan.found) == (2, []) and "Permission denied" in scan.err


def test_a_path_that_does_not_exist_is_named_and_the_others_are_searched(tmp_path: Path, key: str) -> None:
    (tmp_path / "a").write_text(key)
    scan = Scan(tmp_path / "missing", tmp_path / "a")
    assert (scan.code, scan.paths) == (1, [str(tmp_path / "a")])
    assert scan.err == f"cannot read {tmp_path / 'missing'}: No such file or directory\n"
    assert Scan(tmp_path / "missing").code == 2


def test_folders_may_be_nested_deeply(tmp_path: Path, key: str) -> None:
    folder = tmp_path
    for _ in range(300):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "a").write_text(key)
    assert Scan(tmp_path).code == 1


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "a change") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def test_a_key_that_was_deleted_is_found_in_the_history(repository: Path, key: str) -> None:
    path = repository / "old name.env"
    path.write_text(f"\n{key}")
    commit(repository)
    blob = git(repository, "rev-parse", "HEAD:old name.env")
    path.unlink()
    commit(repository)
    assert Scan(repository).code == 0
    (found,) = Scan("--history", repository).found
    assert (found["path"], found["line"], found["object"]) == ("old name.env", 2, blob)


def test_messages_tags_stashes_and_what_was_amended_are_searched(repository: Path, key: str) -> None:
    commit(repository, f"use {key}")
    (repository / "amended").write_text(key_text.mint(FORM))
    commit(repository)
    (repository / "amended").write_text("nothing")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--amend", "--no-edit")
    git(repository, "tag", "--message", key_text.mint(FORM), "v1")
    (repository / "amended").write_text(key_text.mint(FORM))
    git(repository, "stash")
    paths = sorted(each["path"] for each in Scan("--history", repository).found if each["object"])
    assert paths == ["amended", "amended", "commit message", "tag message"]


def test_a_key_in_many_commits_is_found_once(repository: Path, key: str) -> None:
    for number in range(3):
        (repository / "kept").write_text(key)
        (repository / "other").write_text(str(number))
        commit(repository)
    assert len([each for each in Scan("--history", repository).found if each["object"]]) == 1


def test_a_folder_without_git_is_named(tmp_path: Path, key: str) -> None:
    (tmp_path / "a").write_text(key)
    scan = Scan("--history", tmp_path)
    assert (scan.code, len(scan.found)) == (1, 1)
    assert "not a git repository" in scan.err


def test_the_environment_of_a_hook_does_not_decide_which_repository(
    repository: Path, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "a").write_text(key)
    commit(repository)
    (repository / "a").unlink()
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert Scan("--history", repository).code == 1


def test_an_empty_repository_has_no_keys(repository: Path) -> None:
    assert Scan("--history", repository).code == 0
