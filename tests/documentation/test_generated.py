"""What the documentation takes from the code, and that it describes all of it."""

import json
import re
import subprocess
import sys

import pytest

from audit.events import EventName
from config.variables import VARIABLES
from docs.building.addresses import foreign_in_page, foreign_in_style
from tests.installation import PROJECT

pytestmark = pytest.mark.once

GENERATE = """
import json
from docs.building.hooks import generators
print(json.dumps({name: generate() for name, generate in generators().items()}))
"""
MARKER = re.compile(r"<!-- generated: (\w+) -->")


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """Each part by its name, made in a process of its own, as a build makes it."""
    command = [sys.executable, "-c", GENERATE]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_each_part_stands_on_one_page_and_no_page_asks_for_another(generated: dict[str, str]) -> None:
    pages = [path.read_text() for path in (PROJECT / "docs").rglob("*.md")]
    assert sorted(name for page in pages for name in MARKER.findall(page)) == sorted(generated)


def test_every_variable_event_and_command_is_described(generated: dict[str, str]) -> None:
    assert [name for name in VARIABLES if f"| `{name}` |" not in generated["variables"]] == []
    assert [
        name for name in EventName if f"| `{name}` | {name.description} |" not in generated["events"]
    ] == []
    ours = {path.stem for path in PROJECT.glob("*/management/commands/[a-z]*.py")}
    replaced = {"createsuperuser", "createapplication", "cleartokens", "clearcimdapplications"}
    assert set(re.findall("^## `(.+)`$", generated["commands"], re.MULTILINE)) == ours - replaced


def test_every_table_of_a_profile_and_every_operation_of_the_api_is_there(generated: dict[str, str]) -> None:
    tables = re.findall("^## `(.+)`$", generated["members"], re.MULTILINE)
    assert {"[product]", "[login]", "[oauth2]", "[keys.environments.NAME]", "[[routes]]"} <= set(tables)
    assert "| `POST` | `/api/v1/auth/login` | **Log in**" in generated["operations"]
    assert "| `GET` | `/gateway/check` | **Check another request**" in generated["operations"]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/css">',
        '<img src="HTTP://example.org/a.png">',
        '<img srcset="a.png 1x, https://example.org/b.png 2x">',
        "<style>@import 'https://example.org/a.css'</style>",
        '<p style="background: url(https://example.org/a.png)">',
    ],
)
def test_what_a_page_would_load_from_another_host_is_found(html: str) -> None:
    assert len(foreign_in_page(html)) == 1


def test_links_to_other_hosts_and_own_files_are_no_loads() -> None:
    assert foreign_in_page('<a href="https://example.org">there</a><script src="../a.js"></script>') == []
    assert foreign_in_style("a { background: url(../a.png) } @import 'b.css'") == []
