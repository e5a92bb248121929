"""The wheel: what is in it, that it is built reproducibly, and what an installed one does."""

import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from config.program import FOLDER, VERSION
from tests.installation import MANAGE_PY, PROJECT

pytestmark = pytest.mark.once

PACKAGES = (
    "access",
    "accounts",
    "apikeys",
    "audit",
    "config",
    "console",
    "gateway",
    "federation",
    "leaks",
    "migration",
    "oauth",
    "provisioning",
    "templates",
    "webhooks",
)
EPOCH = 1_700_000_000  # 2023-11-14 22:13:20 UTC


def build(project: Path, into: Path) -> Path:
    """Build the wheel of a folder as ./run wheel does, and return its path."""
    builder = str(Path(sys.executable).with_name("uv"))
    command = [builder, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run(
        [*command, "--out-dir", str(into), str(project)],
        env={"PATH": "", "SOURCE_DATE_EPOCH": str(EPOCH)},
        check=True,
        timeout=60,
    )
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(PROJECT, tmp_path_factory.mktemp("wheel"))


def test_it_has_all_files_of_the_packages_and_no_others(wheel: Path) -> None:
    ours = {
        str(path.relative_to(PROJECT))
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    about = f"keyhouse-{VERSION}.dist-info/"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if not name.startswith(about)} == ours
    assert {
        "config/profiles/keyhouse.toml",
        "config/static/keyhouse/page.css",
        "templates/account/login.html",
        "apikeys/migrations/0001_initial.py",
    } <= ours


def test_its_version_is_that_of_the_program(wheel: Path) -> None:
    assert wheel.name == f"keyhouse-{VERSION}-py3-none-any.whl"
    metadata = zipfile.ZipFile(wheel).read(f"keyhouse-{VERSION}.dist-info/METADATA").decode()
    assert f"\nVersion: {VERSION}\n" in metadata
    for arguments in (["--version"], ["version"], ["serve", "--version"]):
        done = subprocess.run([*MANAGE_PY, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout == f"{VERSION}\n"


def test_two_builds_are_the_same_byte_for_byte(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    hidden = shutil.ignore_patterns(".*", "var", "tests", "docs", "bench", "__pycache__")
    shutil.copytree(PROJECT, copy, ignore=hidden, copy_function=shutil.copyfile)  # with new times and modes
    for path in copy.rglob("*.py"):
        path.chmod(0o600)
    assert build(copy, tmp_path).read_bytes() == wheel.read_bytes()
    times = {info.date_time for info in zipfile.ZipFile(wheel).infolist()}
    assert times == {time.gmtime(EPOCH)[:6]}


def test_a_clone_is_known_by_its_manage_py() -> None:
    assert FOLDER == PROJECT


def installed(wheel: Path, folder: Path) -> Path:
    """Return where the wheel lies as pip lays it, on the path of this environment's packages."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(packages: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the console script of a wheel in `packages`."""
    script = "import sys; from config.commands.main import main; sys.argv[0] = 'keyhouse'; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=packages.parent,
        env={"PYTHONPATH": str(packages)} | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_an_installed_wheel_keeps_data_where_the_users_data_belongs(wheel: Path, tmp_path: Path) -> None:
    packages = installed(wheel, tmp_path / "packages")
    at_home, by_xdg, named = (tmp_path / name for name in ("home", "xdg", "named"))
    for settings, folder in (
        ({"HOME": str(at_home)}, at_home / ".local" / "share" / "keyhouse"),
        ({"HOME": str(at_home), "XDG_DATA_HOME": str(by_xdg)}, by_xdg / "keyhouse"),
        ({"HOME": str(at_home), "KEYHOUSE_DATA_DIR": str(named)}, named),
    ):
        done = run(packages, "check", **settings)
        assert done.returncode == 0, done.stderr
        assert (folder / "secret_key").is_file()
    done = run(packages, "serve", HOME=str(at_home))
    assert done.stderr.endswith("run: keyhouse setup\n")  # its name for manage.py


@pytest.mark.slow
def test_an_installed_wheel_takes_no_relative_data_folder(wheel: Path, tmp_path: Path) -> None:
    packages = installed(wheel, tmp_path / "packages")
    done = run(packages, "check", HOME=str(tmp_path), KEYHOUSE_DATA_DIR="data")
    assert (done.returncode, done.stderr) == (
        1,
        "keyhouse: KEYHOUSE_DATA_DIR: 'data' must be an absolute path\n",
    )
