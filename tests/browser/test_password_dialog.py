"""A browser that gets a 401 shows no dialog for a password, although other clients are offered Basic."""

from contextlib import closing
from typing import Any

import pytest

from tests.installation import Server

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.requirement(116)]

BEARER = 'Bearer realm="Keyhouse"'
PATHS = ("/api/v1/auth/me", "/gateway/check/services/stock")
CHALLENGE = """
async path => {
  const answer = await fetch(path);
  return [answer.status, answer.headers.get("WWW-Authenticate")];
}
"""


@pytest.mark.parametrize("path", PATHS)
def test_neither_a_page_nor_its_script_is_asked_for_a_password(
    chromium: Any, demo: Server, path: str
) -> None:
    offered = demo.request("GET", path).headers["www-authenticate"]
    assert offered == f'Basic realm="Keyhouse", charset="UTF-8", {BEARER}'
    with closing(chromium.new_context()) as context:
        page = context.new_page()
        visited = page.goto(f"http://127.0.0.1:{demo.port}{path}")
        assert (visited.status, visited.header_value("WWW-Authenticate")) == (401, BEARER)
        assert page.evaluate(CHALLENGE, path) == [401, BEARER]
