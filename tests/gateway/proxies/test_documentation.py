"""What is documented for proxies is what the tests run."""

import re

import pytest

from tests.gateway.proxies.running import DOCUMENTED, PROXIES, included
from tests.installation import PROJECT

pytestmark = [pytest.mark.once, pytest.mark.slow]


def test_the_readme_shows_the_configuration_that_is_tested() -> None:
    (shown,) = re.findall(r"```nginx\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    assert shown == (DOCUMENTED / "nginx.conf").read_text()


def test_every_configuration_is_documented_and_every_documented_one_tested() -> None:
    page = (PROJECT / "docs" / "gateway.md").read_text()
    linked = set(re.findall(r"\(proxies/([^)]+)\)", page))
    there = {path.name for path in DOCUMENTED.iterdir()}
    tested = {proxy.file for proxy in PROXIES.values()}
    snippets = {name for file in tested for name in included((DOCUMENTED / file).read_text())}
    assert linked == there == tested | snippets
    assert all(f"`{proxy.package}`" in page for proxy in PROXIES.values())
