"""Clients that generators make of the OpenAPI document: they pass strict type checks, and work."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from config import profiles
from config.profiles import Profile
from config.wire.openapi import pages
from tests.accounts.authenticator import App
from tests.commands.start.tree import warm_tree
from tests.conftest import PASSWORD
from tests.documentation.terminals import page, run_page
from tests.gateway.proxies.running import PLACES
from tests.installation import ADMIN, PROJECT, SQLITE_FILE, Installation
from tests.npm import installed

pytestmark = [pytest.mark.once, pytest.mark.slow]

NPM = Path(__file__).parent / "npm"
ENROL = """
import dataclasses, json
from accounts.models import User
from tests.accounts.authenticator import enrolled
print(json.dumps(dataclasses.asdict(enrolled(User.objects.get()))))
"""
PRINTED = ["listed: Report is active", "revoked: 204", "then: 401 invalid_token"]  # as on the page
SERVED = """
```console title="Keyhouse: leave it running"
$ ./run
try: …
```
"""


@pytest.fixture
def tools() -> Path:
    """The folder in which npm has installed the generators of TypeScript."""
    folder = installed(NPM)
    if folder is None:  # the end of ./run test says that it was missing
        pytest.skip("Node is not here, or npm cannot get the generators")
    return folder


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the second run of mypy finds what the first one has read of the libraries."""
    return {"MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy"))}


def install(tools: Path, folder: Path) -> None:
    """Copy what npm has installed into a folder. @hey-api/openapi-ts looks for tsconfig.json above itself."""
    shutil.copy(tools / "package.json", folder)
    shutil.copytree(tools / "node_modules", folder / "node_modules", symlinks=True)


def test_generated_clients_log_in_and_make_list_and_revoke_a_key_as_the_page_says(
    tools: Path, tmp_path: Path, mypy_cache: dict[str, str]
) -> None:
    tree, program = warm_tree(tmp_path), tmp_path / "program"
    program.mkdir()
    install(tools, program)
    admin = ADMIN | {"KEYHOUSE_ADMIN_PASSWORD": PASSWORD}
    run_page(SERVED + page("docs/how-to/clients.md"), tree, **admin, **mypy_cache, PASSWORD=PASSWORD)
    they_log_in_with_a_second_factor(program, Installation(tree, f"sqlite:///{tree / 'var' / SQLITE_FILE}"))


def they_log_in_with_a_second_factor(program: Path, installation: Installation) -> None:
    """Give the administrator an app, and run the same programs with two codes of it and a recovery code."""
    done = installation.manage("shell", "--no-imports", "-c", ENROL)
    assert done.returncode == 0, done.stderr
    app = App(**json.loads(done.stdout))
    programs: list[tuple[str, str, Callable[[], str]]] = [
        ("python3 keys.py", "client", lambda: app.code(steps=-1)),  # still good, for slow clocks
        ("node built/fetch.js", ".", app.code),
        ("node built/hey.js", ".", lambda: app.recovery_codes[0]),
    ]
    with installation.serve() as server:
        for command, folder, code in programs:
            run = partial(ran, [*command.split(), f"http://127.0.0.1:{server.port}"], program / folder)
            assert "totp_code" in run().stderr
            done = run(TOTP_CODE=code())
            assert done.stdout.splitlines() == PRINTED, done.stderr


def ran(command: list[str], folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": PLACES, "PASSWORD": PASSWORD, **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_clients_of_a_product_with_an_envelope_pass_strict_type_checks(
    tools: Path, tmp_path: Path, mypy_cache: dict[str, str], served_profile: Callable[[Profile], None]
) -> None:
    served_profile(profiles.load("sentinelnerd"))
    (tmp_path / "schema.json").write_bytes(pages.document().body)
    (tmp_path / "tsconfig.json").write_text((PROJECT / "docs" / "clients" / "tsconfig.json").read_text())
    install(tools, tmp_path)
    for command in (
        "openapi-python-client generate --fail-on-warning --path schema.json --output-path client",
        "mypy --strict client",
        "openapi-typescript schema.json --output schema.ts",
        "openapi-ts --input schema.json --output hey",
        "tsc --noEmit",
    ):
        # npx, with which the page starts them, would take half a second each time
        places = f"{tmp_path}/node_modules/.bin{os.pathsep}{PLACES}"
        environment = os.environ | {"PATH": places} | mypy_cache
        done = subprocess.run(command.split(), cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
