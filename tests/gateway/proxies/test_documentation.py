"""The documented proxy configurations are those that the tests run."""

import re

import pytest

from tests.gateway.proxies.running import DOCUMENTED, PROXIES, included
from tests.installation import PROJECT

pytestmark = [pytest.mark.once, pytest.mark.slow]

PAGES = "".join(path.read_text() for path in sorted((PROJECT / "docs" / "how-to").glob("*.md")))


def test_the_pages_show_the_configurations_that_are_tested() -> None:
    shown = set(re.findall(r'^--8<-- "proxies/(.+)"$', PAGES, re.MULTILINE))
    assert {proxy.file for proxy in PROXIES.values()} <= shown


def test_every_configuration_is_documented_and_every_documented_one_tested() -> None:
    linked = set(re.findall(r"\(\.\./proxies/([^)]+)\)", PAGES))
    there = {path.name for path in DOCUMENTED.iterdir()}
    tested = {proxy.file for proxy in PROXIES.values()}
    snippets = {name for file in tested for name in included((DOCUMENTED / file).read_text())}
    assert linked == there == tested | snippets
    assert all(f"`{proxy.package}`" in PAGES for proxy in PROXIES.values())
