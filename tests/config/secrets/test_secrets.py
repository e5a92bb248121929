"""Secrets that Keyhouse generates: once, and readable by nobody else."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import ConfigurationError
from config.secrets import storage
from tests.installation import PROJECT, Installation
from tests.privileges import drop_privileges

GOOD_PEPPER = bytes(range(32)).hex()
MAKE = """
import sys; from pathlib import Path; from config.secrets import storage as secrets
sys.stdin.read()
print(secrets.kept(secrets.open_data_dir(Path(sys.argv[1])), "x", secrets.new_secret_key))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_leaves_secrets_that_only_the_owner_reads(installation: Installation) -> None:
    folder = installation.folder / "var"
    assert mode(folder) == 0o700
    assert {"secret_key", "peppers", "seed_keys"} <= {path.name for path in folder.iterdir()}
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_secrets_stay_the_same_from_start_to_start(tmp_path: Path) -> None:
    first = storage.kept(tmp_path, "secret_key", storage.new_secret_key)
    assert storage.kept(tmp_path, "secret_key", storage.new_secret_key) == first
    assert len(first) == 64


def test_an_open_umask_does_not_open_the_folder(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = storage.open_data_dir(tmp_path / "a" / "b")
        storage.kept(folder, "peppers", storage.new_numbered)
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "peppers")) == (0o700, 0o600)


def test_processes_that_start_at_once_make_one_secret(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path / "var")]
    processes = [
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.close()
    made = {process.stdout.read() for process in processes if process.stdout}
    assert [process.wait() for process in processes] == [0] * 4
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["x"]


def test_a_secret_that_another_process_made_in_between_is_taken(tmp_path: Path) -> None:
    def make() -> str:
        (tmp_path / "x").write_text("theirs\n")
        return "ours"

    assert storage.kept(tmp_path, "x", make) == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "UTF-8")])
def test_a_broken_secret_is_named_and_not_replaced(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"^KEYHOUSE_DATA_DIR: .*secret_key.*{reason}"):
        storage.kept(tmp_path, "secret_key", storage.new_secret_key)
    assert (tmp_path / "secret_key").read_bytes() == content


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    for path in (tmp_path / "var", tmp_path / "var" / "below"):
        with pytest.raises(ConfigurationError, match=f"^KEYHOUSE_DATA_DIR: cannot use {path}: "):
            storage.open_data_dir(path)


OPEN = """
import sys; from pathlib import Path; from config import env; from config.secrets import storage as secrets
try:
    secrets.kept(secrets.open_data_dir(Path(sys.argv[1])), "x", secrets.new_secret_key)
except env.ConfigurationError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("rights", [0o000, 0o500, 0o300])
def test_a_folder_without_permission_is_named(rights: int, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(rights)
    command = [sys.executable, "-c", OPEN, str(folder)]
    done = subprocess.run(command, cwd=PROJECT, text=True, capture_output=True, preexec_fn=drop_privileges)
    folder.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.startswith(f"KEYHOUSE_DATA_DIR: cannot use {folder}")
    assert done.stderr.endswith("Permission denied\n")
    assert done.stderr.count("\n") == 1


def test_peppers_are_numbered_and_the_order_does_not_matter() -> None:
    found = storage.parse_numbered("x", f"2:{GOOD_PEPPER}, 1:{GOOD_PEPPER.upper()}")
    assert found == {1: bytes(range(32)), 2: bytes(range(32))}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        GOOD_PEPPER,
        f":{GOOD_PEPPER}",
        f"0:{GOOD_PEPPER}",
        f"-1:{GOOD_PEPPER}",
        f"٣:{GOOD_PEPPER}",
        f"10000:{GOOD_PEPPER}",
        f"{'9' * 5000}:{GOOD_PEPPER}",
        f"1:{GOOD_PEPPER[:-2]}",
        f"1:{GOOD_PEPPER}z",
        f"1:{GOOD_PEPPER},",
        f"1:{'00' * 32}",
        f"1:{'ab' * 40}",
        f"1:{GOOD_PEPPER},1:{GOOD_PEPPER}",
    ],
)
def test_bad_peppers_are_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_PEPPERS: (item|number) [12] ") as raised:
        storage.parse_numbered("KEYHOUSE_PEPPERS", text)
    assert GOOD_PEPPER[:8] not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_a_broken_file_of_peppers_is_named(tmp_path: Path) -> None:
    (tmp_path / "peppers").write_text("garbage")
    with pytest.raises(ConfigurationError, match=f"^{tmp_path}/peppers: item 1 must be NUMBER:HEX"):
        storage.peppers("", tmp_path)
    assert storage.peppers(f"7:{GOOD_PEPPER}", tmp_path) == {7: bytes(range(32))}


def test_the_current_secret_is_one_that_exists() -> None:
    secrets = {1: bytes(range(32)), 10: bytes(range(1, 33))}
    assert storage.chosen("KEYHOUSE_CURRENT_PEPPER", "", secrets) is None
    assert storage.chosen("KEYHOUSE_CURRENT_PEPPER", "10", secrets) == 10
    for text in ("2", "01", "+1", "1.0", "٣", "9" * 5000, "1,10"):
        with pytest.raises(
            ConfigurationError, match=r"must be one of the numbers that exist: 1, 10$"
        ) as raised:
            storage.chosen("KEYHOUSE_CURRENT_PEPPER", text, secrets)
        assert str(raised.value).startswith("KEYHOUSE_CURRENT_PEPPER: ")


def test_new_secrets_differ_and_are_good() -> None:
    assert storage.new_secret_key() != storage.new_secret_key()
    assert list(storage.parse_numbered("x", storage.new_numbered())) == [1]


def test_keys_of_seeds_are_numbered_like_peppers_and_have_a_file_of_their_own(tmp_path: Path) -> None:
    made = storage.seed_keys("", tmp_path)
    assert (list(made), mode(tmp_path / "seed_keys")) == ([1], 0o600)
    assert storage.seed_keys("", tmp_path) == made != storage.peppers("", tmp_path)
    assert storage.seed_keys(f"3:{GOOD_PEPPER}", tmp_path) == {3: bytes(range(32))}
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_SEED_KEYS: item 1 "):
        storage.seed_keys("short", tmp_path)
