"""The commands of these pages do what the pages say, in a fresh clone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands.start.tree import fresh_tree
from tests.documentation.terminals import page, run_page
from tests.gateway.proxies.running import PLACES

SERVED = """
```console title="Keyhouse: leave it running"
$ ./run
try: …
```
"""

pytestmark = [pytest.mark.once, pytest.mark.slow]


def needs(program: str) -> None:
    if shutil.which(program, path=PLACES) is None:
        pytest.skip(f"{program} is not installed")


def test_the_readme_makes_a_key_that_is_refused_once_revoked(tmp_path: Path) -> None:
    run_page(page("README.md"), fresh_tree(tmp_path))


def test_the_start_page_ends_with_a_service_that_nginx_protects(tree: Path) -> None:
    needs("nginx")
    run_page(page("docs/start.md"), tree)


def test_a_backup_of_sqlite_is_restored_as_the_page_says(used_tree: Path) -> None:
    needs("sqlite3")
    sqlite, _, _ = page("docs/how-to/backup.md").partition("## PostgreSQL")
    run_page(sqlite, used_tree)


def test_secrets_are_rotated_as_the_page_says(used_tree: Path) -> None:
    run_page(page("docs/how-to/rotate.md"), used_tree)


def test_a_machine_uses_oauth2_as_the_page_says(tree: Path) -> None:
    machine, _, _ = page("docs/how-to/oauth-clients.md").partition("## A client of people")
    run_page(SERVED + machine, tree)


def test_a_device_asks_and_polls_as_the_page_says(tree: Path) -> None:
    run_page(SERVED + page("docs/how-to/devices.md"), tree)


def test_keys_of_another_system_are_imported_as_the_page_says(tree: Path) -> None:
    run_page(SERVED + page("docs/how-to/import-keys.md"), tree)


def test_a_file_is_planned_and_applied_as_the_page_says(tree: Path) -> None:
    run_page(page("docs/how-to/plan-and-apply.md"), tree)


def test_a_program_asks_about_credentials_as_the_page_says(tree: Path) -> None:
    run_page(SERVED + page("docs/how-to/introspect.md"), tree)


def test_leaked_keys_are_found_and_reported_as_the_page_says(tree: Path) -> None:
    run_page(SERVED + page("docs/how-to/leaks.md"), tree)


OLDER = """
```console title="With all servers stopped"
$ ./run manage migrate accounts 0001 --verbosity 0
$ ! ./run manage migrate --check
```
"""
UPGRADED = """
```console title="With all servers stopped"
$ ./run manage migrate --check
$ grep "The next version" CHANGELOG.md
The next version
```
"""


def test_an_installation_is_upgraded_as_the_page_says(used_tree: Path) -> None:
    make_next_version(used_tree)
    before, then, after = page("docs/how-to/upgrade.md").partition("`./run manage` installs")
    run_page(OLDER + before + UPGRADED + then + after, used_tree)


def make_next_version(tree: Path) -> None:
    """Make a tree the clone of a repository that has one commit more."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    origin, changes = tree.parent / "origin", tree / "CHANGELOG.md"

    def run(folder: Path, *arguments: str) -> None:
        subprocess.run([*git, "-C", str(folder), *arguments], check=True, capture_output=True)

    run(tree, "init")
    run(tree, "add", "CHANGELOG.md")
    run(tree, "commit", "--message", "This version")
    run(tree, "clone", str(tree), str(origin))
    (origin / "CHANGELOG.md").write_text(f"The next version\n{changes.read_text()}")
    run(origin, "commit", "--all", "--message", "The next version")
    run(tree, "remote", "add", "--fetch", "origin", str(origin))
    run(tree, "branch", "--set-upstream-to", "origin/main")
