"""Fixtures of plan and apply: a file, and what the commands say about it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command

from apikeys.services.api_keys import NewKey
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import with_key

Write = Callable[[str], str]
FILE = "keyhouse.yaml"
READ = "scopes: [services:read]"


class Planned(NamedTuple):
    """The exit code of plan, and what it printed."""

    code: int
    printed: str


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Write:
    """Write the file and return its name."""

    def written(text: str) -> str:
        (folder / FILE).write_text(text)
        return FILE

    return written


def drift_of(*arguments: str) -> Planned:
    """What plan says."""
    output, code = io.StringIO(), 0
    try:
        call_command("plan", FILE, *arguments, stdout=output)
    except SystemExit as ended:
        code = int(str(ended.code))
    return Planned(code, output.getvalue())


def apply(*options: str) -> str:
    return output_of("apply", FILE, *options)


def refused(*options: str, command: str = "apply") -> str:
    return refusal_of(command, FILE, *options)


def applied(*options: str) -> Any:
    return run("apply", FILE, *options)


def works(key: NewKey | str) -> bool:
    """Whether the API takes the key."""
    return bool(with_key(key).get("scopes").status_code == 200)


def changes(*arguments: str) -> list[tuple[str, str, str]]:
    """What plan would change: action, kind and name."""
    document = json.loads(drift_of(*arguments, "--json").printed)
    return [
        (each["action"], each["kind"], each["name"]) for plan in document["plans"] for each in plan["changes"]
    ]


def acme(keys: str) -> str:
    return f"organizations:\n  Acme:\n    keys:\n      {keys}\n"
