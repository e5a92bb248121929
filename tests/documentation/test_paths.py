"""Paths and links that the code and the top pages name lead somewhere; ./run docs looks at links in docs/."""

import re
from pathlib import Path

import pytest

from tests.installation import PROJECT

pytestmark = pytest.mark.once

NAMED = re.compile(r"\bdocs/[\w*./-]*[\w*]")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
INCLUDES = re.compile(
    r"\s*-+\s*8\s*<"
)  # ruff puts spaces into the line in a ```python block, not in ```{.python}
INCLUDED = re.compile(r': --8<-- "[^"]+"$')
TOP_PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FOLDERS = (
    *("config", "audit", "access", "accounts", "federation", "oauth", "apikeys", "leaks", "migration"),
    *("provisioning", "webhooks", "gateway", "bench", "deploy", "docs", "tests"),
)
ENDINGS = {".py", ".toml", ".md", ".conf", ".ini", ".yaml", ".yml", ".html", ".service"}


def texts() -> list[Path]:
    """The files of the project in which people read paths."""
    top = [PROJECT / name for name in (*TOP_PAGES, "run", "mkdocs.yml", "pyproject.toml", ".ci/run")]
    return top + [
        path for folder in FOLDERS for path in (PROJECT / folder).rglob("*") if path.suffix in ENDINGS
    ]


def test_every_path_in_docs_that_a_file_names_is_there() -> None:
    ours = Path(__file__)
    missing = [
        f"{path.relative_to(PROJECT)}: {named}"
        for path in texts()
        if path != ours
        for named in NAMED.findall(path.read_text(encoding="utf-8"))
        if not list(PROJECT.glob(named))
    ]
    assert missing == []


def test_every_line_that_includes_a_file_is_one_that_the_build_reads() -> None:
    lines = [
        f"{path.relative_to(PROJECT)}: {line}"
        for path in (PROJECT / "docs").rglob("*.md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if INCLUDES.match(line)
    ]
    assert len(lines) > 10
    assert [line for line in lines if not INCLUDED.search(line)] == []


@pytest.mark.parametrize("page", TOP_PAGES)
def test_the_links_of_a_top_page_lead_somewhere(page: str) -> None:
    links = LINK.findall((PROJECT / page).read_text())
    assert [link for link in links if not (PROJECT / link).exists()] == []
