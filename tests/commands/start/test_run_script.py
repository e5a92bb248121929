"""./run in a fresh copy of the tree, with the packages of these tests instead of newly installed ones."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.start.tree import bare_tree, fresh_tree
from tests.installation import ADMIN, PROJECT, SQLITE_FILE, free_port
from tests.running import migrated

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.fixture(scope="module")
def tree_of_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fresh_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def tree(tree_of_module: Path) -> Iterator[Path]:
    """A tree in which nothing was started yet."""
    yield tree_of_module
    for data in ("var", "data"):
        shutil.rmtree(tree_of_module / data, ignore_errors=True)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A tree for tests in which nothing of Keyhouse is called."""
    return bare_tree(tmp_path)


@pytest.fixture
def migrated_tree(tree: Path) -> Path:
    """A tree with all tables in its database, which takes a first start three seconds."""
    (tree / "var").mkdir(mode=0o700)
    migrated.fill(f"sqlite:///{tree / 'var' / SQLITE_FILE}")
    return tree


def environment(**settings: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"]} | settings


def run(
    tree: Path, *arguments: str, place: Path | None = None, **settings: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(tree / "run"), *arguments],
        cwd=place or tree,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def start(tree: Path, port: int) -> str:
    """Start it, wait for its addresses, run the command that it suggests, and stop it."""
    process = subprocess.Popen(
        [str(tree / "run")],
        env=environment(KEYHOUSE_BIND=f"127.0.0.1:{port}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("try:"):
            subprocess.run(line.removeprefix("try:").split(), check=True, capture_output=True)
            process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    return "".join(lines)


def test_the_first_start_sets_up_and_serves_and_the_second_just_serves(tree: Path) -> None:
    first = start(tree, port := free_port())
    assert "Administrator admin (admin@localhost) created." in first
    assert "Password: " in first
    assert f"http://127.0.0.1:{port}/docs" in first
    second = start(tree, port)
    assert "Administrator" not in second and "Password" not in second
    assert f"http://127.0.0.1:{port}/docs" in second


def test_it_reaches_every_command_from_anywhere(migrated_tree: Path, tmp_path: Path) -> None:
    tree, link = migrated_tree, tmp_path / "keyhouse-link"
    link.symlink_to(tree / "run")
    assert run(tree, "manage", "setup", place=tmp_path, **ADMIN).returncode == 0
    assert (tree / "var" / "secret_key").exists()
    done = subprocess.run(
        [str(link), "manage", "listapikeys", "--json"], env=environment(), capture_output=True
    )
    assert json.loads(done.stdout) == []


def test_a_relative_data_folder_lies_in_the_tree(tree: Path, tmp_path: Path) -> None:
    done = run(tree, "manage", "migrate", "--plan", place=tmp_path, KEYHOUSE_DATA_DIR="data")
    assert done.returncode == 0, done.stderr
    assert (tree / "data" / "secret_key").exists()
    assert (tree / "data" / "keyhouse.sqlite3").exists()
    assert not (tmp_path / "data").exists()


def test_arguments_and_exit_codes_pass_through(tree: Path) -> None:
    done = run(tree, "manage", "createorganization", "--name", "two words", "extra")
    assert (done.returncode, done.stdout) == (2, "")
    assert "extra" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_command_and_starts_nothing(script: Path, word: str) -> None:
    done = run(script, word)
    assert (done.returncode, done.stderr) == (0, "")
    text = (PROJECT / "run").read_text()
    cases = re.findall(r"^([a-z]+)\)$", text, re.MULTILINE)
    assert {"test", "lint", "docs", "manage"} <= set(cases)
    lines = done.stdout.splitlines()
    assert [case for case in cases if not any(f"./run {case}" in line for line in lines)] == []
    assert not (script / "var").exists()


def test_an_unknown_word_is_one_line(script: Path) -> None:
    done = run(script, "start")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "run: unknown command start; ./run --help lists the commands\n"


def test_without_python_it_says_what_is_needed(script: Path, tmp_path: Path) -> None:
    shutil.rmtree(script / ".venv")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "cmp", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = run(script, PATH=str(tools))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "run: Python 3.11 or newer with the venv module is needed\n"


@pytest.mark.parametrize("is_stamped", [False, True], ids=["interrupted", "without-its-python"])
def test_it_makes_an_environment_again_that_is_not_whole(script: Path, is_stamped: bool) -> None:
    venv, wanted = script / ".venv", script / "requirements.txt"
    shutil.rmtree(venv)
    wanted.write_text("# nothing, so that pip asks nobody\n")
    if is_stamped:  # the system's Python has another name since its upgrade
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(script / "python-of-before")
        shutil.copy(wanted, venv / "installed-requirements.txt")
    else:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (script / "manage.py").write_text("import pip; print('with pip')")
    named = script / "python-of-now"
    named.symlink_to(Path(sys.base_prefix, "bin", "python3"))
    done = run(script, "manage", "help", PIP_NO_INDEX="1", PYTHON=f"{script}/python-of-before {named}")
    assert (done.returncode, done.stdout) == (0, "with pip\n"), done.stderr
    assert f"{named} -m venv" in (venv / "pyvenv.cfg").read_text()


def test_a_failed_setup_does_not_serve(migrated_tree: Path) -> None:
    done = run(migrated_tree, KEYHOUSE_ADMIN_PASSWORD="short")
    assert (done.returncode, done.stdout) == (1, "")
    assert "KEYHOUSE_ADMIN_PASSWORD: " in done.stderr


def test_the_packages_for_sentry_and_opentelemetry_are_installed_once_and_kept(script: Path) -> None:
    python, called = script / ".venv" / "bin" / "python", script / "called"
    python.write_text(f'#!/bin/sh\necho "$@" >>"{called}"\n')
    for _ in range(2):
        assert run(script, "install", "observability").returncode == 0
    assert run(script, "manage", "help").returncode == 0
    version, pip, sync, *others = called.read_text().splitlines()
    assert version == "-m pip --version"
    assert pip.startswith("-m pip install") and pip.endswith("uv")
    assert sync.startswith("-m uv pip sync") and sync.endswith("requirements-observability.txt")
    assert others == ["manage.py help"]


def test_an_environment_beside_that_of_the_tests_is_made_with_their_uv(script: Path) -> None:
    (script / ".venv" / "bin" / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    (script / "requirements-scanners.txt").write_text("# nothing, so that uv asks nobody\n")
    done = run(script, "install", "scanners", UV_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    made = script / ".venv-scanners"
    assert (made / "installed-requirements-scanners.txt").exists()
    assert not list(made.rglob("pip"))
    assert subprocess.run([made / "bin" / "python", "-c", "import ensurepip"]).returncode == 0


def test_it_is_made_with_a_uv_of_its_own_where_that_of_the_tests_fails(script: Path) -> None:
    (script / ".venv" / "bin" / "uv").symlink_to("/bin/false")
    python, called = script / ".venv-scanners" / "bin" / "python", script / "called"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >>"{called}"\n')
    python.chmod(0o755)
    assert run(script, "install", "scanners").returncode == 0
    _, pip, sync = called.read_text().splitlines()
    assert pip.startswith("-m pip install") and pip.endswith("uv")
    assert sync.startswith("-m uv pip sync") and sync.endswith("requirements-scanners.txt")


def test_an_unknown_set_of_packages_is_one_line(script: Path) -> None:
    done = run(script, "install", "sentry")
    sets = "./run install, or ./run install observability, schemathesis or scanners"
    assert (done.returncode, done.stderr) == (1, f"run: {sets}\n")
