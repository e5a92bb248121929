"""Keys that the real packages, installed from PyPI, mint in a real project; imported and used."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.commands.helpers import run
from tests.conftest import Cast
from tests.migration.systems import System
from tests.migration.test_sources import assert_works

pytestmark = pytest.mark.soak
MINT = Path(__file__).parent / "mint.py"
PACKAGES_OF = Path(__file__).parent / "packages"  # a file of requirements with hashes for each release


class Package(NamedTuple):
    """A release, the app that it is, and the options with which its keys are imported."""

    release: str
    app: str
    options: tuple[str, ...]


KNOX, API_KEY = ("--from", "knox"), ("--from", "drf-api-key", "--organization", "Acme")
API_KEY_APP = "rest_framework_api_key"
PACKAGES = [
    Package("djangorestframework-3.18.3", "rest_framework.authtoken", ("--from", "drf-authtoken")),
    Package("django-rest-knox-4.2.0", "knox", (*KNOX, "--version-of-keys", "4")),
    Package("django-rest-knox-5.1.0", "knox", KNOX),
    Package("djangorestframework-api-key-2.3.0", API_KEY_APP, (*API_KEY, "--version-of-keys", "2")),
    Package("djangorestframework-api-key-3.1.0", API_KEY_APP, API_KEY),
]


@pytest.mark.requirement(140)
@pytest.mark.parametrize("package", PACKAGES, ids=[each.release for each in PACKAGES])
def test_a_key_that_a_package_mints_today_works_unchanged(
    cast: Cast, tmp_path: Path, scopes: str, package: Package
) -> None:
    system = minted_today(package, tmp_path)
    report = run("importkeys", *package.options, system.url, "--scopes", scopes)
    assert (report["imported"], report["faulty"]) == (2, 0)
    owners = ("Acme", "Acme") if "--organization" in package.options else ("alice", "bob")
    for headers, text, owner in zip(system.headers, system.texts, owners, strict=True):
        assert_works(headers, text, owner)


def minted_today(package: Package, folder: Path) -> System:
    """The database of a project with the package, and the headers of its two keys."""
    python, file = environment_of(package.release, folder / "environment"), folder / "db.sqlite3"
    command = [str(python), "-I", str(MINT), package.app, str(file)]
    minted = subprocess.run(command, capture_output=True, text=True, check=True)
    pairs = (line.partition(": ") for line in minted.stdout.splitlines())
    return System(file, [{name: value} for name, _, value in pairs])


def environment_of(release: str, folder: Path) -> Path:
    """Make an environment that has the release and nothing of Keyhouse, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python, wanted = folder / "bin" / "python", PACKAGES_OF / f"{release}.txt"
    install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(wanted)]
    done = subprocess.run(install, capture_output=True, text=True)
    if "No matching distribution" in done.stderr or "Max retries" in done.stderr:
        pytest.skip(f"pip reaches no package index for {release}")  # the minted files are tested anyway
    assert done.returncode == 0, done.stderr
    return python
