"""What a member does in the console, in a browser: make a key, copy it, use it, revoke it."""

import shlex
import subprocess
from typing import Any

import pytest

from tests.browser.conftest import Visit, visiting
from tests.browser.demo import PASSWORD
from tests.installation import Server

pytestmark = pytest.mark.once

DEFAULT_URL = "http://127.0.0.1:8000"  # what the server believes its address to be


def come_in(visit: Visit, name: str) -> None:
    visit.go("/account/login?next=/account/keys")
    visit.page.fill("#id_identifier", name)
    visit.page.fill("#id_password", PASSWORD)
    visit.press("Log in")
    visit.page.wait_for_url("**/account/keys")


def status_with(line: str, visit: Visit) -> str:
    """Run the curl line of the page against the server, and return the status of the answer."""
    command = shlex.split(line.replace(DEFAULT_URL, visit.origin))
    options = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout


def make_key(visit: Visit, name: str) -> str:
    visit.page.get_by_role("button", name="Create API key").click()
    visit.page.get_by_label("Name").fill(name)
    visit.page.get_by_label("services:read").check()
    visit.page.get_by_label("30 days").check()
    visit.press("Create key")
    key: str = visit.page.inner_text("#new-key")
    return key


@pytest.mark.fast
def test_a_member_makes_copies_uses_and_revokes_a_key(chromium: Any, demo: Server) -> None:
    with visiting(chromium, demo) as visit:
        visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        come_in(visit, "bob")
        key = make_key(visit, "Laptop of bob")
        visit.page.locator("[data-copies=new-key]").click()
        visit.page.get_by_role("button", name="Copied", exact=True).wait_for()
        assert visit.page.evaluate("navigator.clipboard.readText()") == key
        line = visit.page.inner_text("#curl")
        assert status_with(line, visit) == "200"

        visit.page.get_by_role("button", name="I have copied it").click()
        visit.page.get_by_role("button", name="Revoke").click()
        assert "stop working, for good" in visit.text()
        visit.press("Revoke")
        assert "The key is revoked." in visit.text()
        assert status_with(line, visit) == "401"
        visit.go("/account/keys?status=revoked")
        assert "Laptop of bob" in visit.text()


def test_without_scripts_a_key_is_made_and_copied_by_hand(chromium: Any, demo: Server) -> None:
    with visiting(chromium, demo, java_script_enabled=False) as visit:
        come_in(visit, "bob")
        make_key(visit, "No script")
        assert status_with(visit.page.inner_text("#curl"), visit) == "200"
        assert not visit.page.locator("[data-copies=new-key]").is_visible()
