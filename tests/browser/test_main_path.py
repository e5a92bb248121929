"""What an administrator does, in a browser: come in, make a key, copy it, see it used, rotate, revoke."""

import re
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error

from tests.accounts.authenticator import App
from tests.browser.conftest import NAME, PASSWORD, Visit, visiting
from tests.installation import Installation, Server

pytestmark = pytest.mark.once

KEY = re.compile(r"kh_live_[0-9A-Za-z]{36}")
LIST = "/admin/apikeys/apikey/"
MOST_LOOKS = 100


def make_key(visit: Visit, name: str) -> str:
    """Make a key by the form and return what the page shows."""
    visit.go(f"{LIST}add/")
    visit.page.get_by_label("Name").fill(name)
    visit.page.get_by_label("services:read").check()
    visit.press("Create key")
    shown: str = visit.page.inner_text("#new-key")
    assert KEY.fullmatch(shown)
    return shown


def status_of(server: Server, key: str) -> int:
    return server.request("GET", "/api/v1/auth/me", headers={"X-API-Key": key}).status


def open_key(visit: Visit, name: str) -> None:
    visit.go(LIST)
    visit.page.get_by_role("link", name=name).first.click()


@pytest.mark.fast
def test_a_first_login_ends_with_a_second_factor(chromium: Any, installation: Installation) -> None:
    with installation.serve() as server, visiting(chromium, server) as visit:
        visit.go("/admin/login/?next=/admin/")
        visit.page.get_by_label("user name").fill(NAME)
        visit.page.get_by_label("Password").fill(PASSWORD)
        visit.press("Log in")
        visit.page.wait_for_url(re.compile("/account/security/authenticator"))
        visit.page.get_by_label("Password").fill(PASSWORD)
        visit.press("Begin")
        app = App(visit.page.inner_text("#secret"), [])
        visit.page.get_by_role("textbox", name="Code").fill(app.code())
        visit.press("Confirm")
        assert visit.page.locator("#recovery-codes li").count() == 10
        visit.page.get_by_role("button", name="I have kept them").click()
        assert "What needs attention" in visit.text()


@pytest.mark.fast
def test_a_key_from_its_making_to_its_end(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    key = make_key(visit, "Path")
    visit.page.locator("[data-copies=new-key]").click()
    visit.page.get_by_role("button", name="Copied").wait_for()
    assert visit.page.evaluate("navigator.clipboard.readText()") == key
    assert key in visit.page.inner_text("#curl")

    assert status_of(visit.server, key) == 200
    open_key(visit, "Path")
    chart = visit.page.get_by_role("img", name="allowed: 1 in total")
    for _ in range(MOST_LOOKS):  # the page asks twice: what is written in between is in one of both
        if chart.count() and "used once in 24 h, last from 127.0.0.1" in visit.text():
            break
        visit.page.reload()
    assert "used once in 24 h, last from 127.0.0.1 just now" in visit.text()
    assert chart.count() == 1

    visit.press("Rotate")
    assert "Path" in visit.text() and "used once" in visit.text()
    visit.press("Rotate")
    successor = visit.page.inner_text("#new-key")
    assert (status_of(visit.server, key), status_of(visit.server, successor)) == (401, 200)

    visit.page.get_by_role("link", name="I have copied it").click()
    visit.press("Revoke")
    visit.page.get_by_label("Reason").fill("the test is over")
    visit.press("Revoke")
    assert "1 key revoked." in visit.text()
    assert status_of(visit.server, successor) == 401


def test_a_new_key_is_not_shown_again_by_reload_back_or_history(visit: Visit) -> None:
    key = make_key(visit, "Once")
    visit.page.on("dialog", lambda dialog: dialog.accept())
    visit.page.reload()
    assert key not in visit.page.content()
    assert "This form has already created its key" in visit.text()
    key = make_key(visit, "Once more")
    with visit.page.expect_navigation():
        visit.page.get_by_role("link", name="I have copied it").click()
    for step in (visit.page.go_back, visit.page.go_forward):
        with suppress(Error):  # ERR_CACHE_MISS: the browser has not kept the page either
            step()
        assert key not in settled(visit)


def settled(visit: Visit) -> str:
    """The page's content after its last redirect; before that, the browser has no content."""
    for _ in range(MOST_LOOKS):
        visit.page.wait_for_load_state()
        with suppress(Error):
            return str(visit.page.content())
    raise AssertionError("the page never came to rest")


def test_a_pasted_key_is_found_and_stands_in_no_address_and_no_log(visit: Visit) -> None:
    key = make_key(visit, "Pasted")
    addresses: list[str] = []
    visit.page.on("request", lambda request: addresses.append(request.url))
    visit.go(LIST)
    visit.page.get_by_label("Search").fill(key)
    visit.page.get_by_label("Search").press("Enter")
    visit.page.wait_for_url("**/change/")
    assert "Pasted" in visit.text()
    assert not [address for address in addresses if key[:20] in address]
    assert key not in visit.server.output
    visit.go(LIST)
    visit.page.get_by_label("Search").fill("Stock")
    visit.press("Search")
    visit.page.wait_for_url("**?q=Stock")
    assert "Stock service" in visit.text() and "Pasted" not in visit.text()


def test_the_main_path_needs_no_mouse(chromium: Any, demo: Server) -> None:
    # In the first moments of a transition, focus looks like no focus.
    with visiting(chromium, demo, reduced_motion="reduce") as visit:
        visit.go("/admin/login/?next=/admin/apikeys/apikey/add/")
        keyboard = visit.page.keyboard
        reach(visit, "#id_username")
        keyboard.type(NAME)
        reach(visit, "#id_password")
        keyboard.type(PASSWORD)
        keyboard.press("Enter")
        visit.page.wait_for_url("**/add/")
        reach(visit, "#id_name")
        keyboard.type("By keyboard")
        reach(visit, "#id_scopes_0")
        keyboard.press("Space")
        reach(visit, "[type=submit][value='Create key']")
        keyboard.press("Enter")
        visit.page.wait_for_selector("#new-key")
        key = visit.page.inner_text("#new-key")
        assert status_of(demo, key) == 200
        reach(visit, "[data-copies=new-key]")
        reach(visit, "text=I have copied it")
        keyboard.press("Enter")
        visit.page.wait_for_url("**/change/")
        reach(visit, "button[value=revoke]")
        keyboard.press("Enter")
        visit.page.wait_for_selector("[type=submit][value=Revoke]")
        reach(visit, "[type=submit][value=Revoke]")
        keyboard.press("Enter")
        visit.page.wait_for_selector("text=1 key revoked.")
        assert status_of(demo, key) == 401


def reach(visit: Visit, selector: str) -> None:
    """Press Tab until the focus is there, where one sees it."""
    wanted = visit.page.locator(selector).first
    for _ in range(80):
        if wanted.evaluate("element => element === document.activeElement"):
            break
        visit.page.keyboard.press("Tab")
    else:
        pytest.fail(f"the Tab key does not lead to {selector}")
    seen = (
        "e => { const s = getComputedStyle(e); return [s.outlineStyle, s.boxShadow, s.borderColor].join() }"
    )
    focused = wanted.evaluate(seen)
    wanted.evaluate("element => element.blur()")
    assert wanted.evaluate(seen) != focused, f"one does not see the focus at {selector}"
    wanted.evaluate("element => element.focus()")


def test_without_scripts_a_key_can_be_made_and_copied_by_hand(chromium: Any, demo: Server) -> None:
    with visiting(chromium, demo, java_script_enabled=False) as visit:
        visit.log_in()
        key = make_key(visit, "No script")
        assert status_of(demo, key) == 200
        assert not visit.page.locator("[data-copies=new-key]").is_visible()


def test_a_page_that_was_open_before_undoes_no_change(visit: Visit) -> None:
    make_key(visit, "Fenced")
    open_key(visit, "Fenced")
    visit.page.get_by_label("Allowed networks").fill("192.0.2.0/24\n198.51.100.0/24")
    visit.press("Save")
    open_key(visit, "Fenced")
    address = visit.page.url

    elsewhere = visit.context.new_page()
    elsewhere.goto(address)
    elsewhere.get_by_label("Allowed networks").fill("192.0.2.0/24")
    with elsewhere.expect_navigation():
        elsewhere.get_by_role("button", name="Save", exact=True).click()

    visit.page.get_by_label("Name").fill("Fenced in")
    visit.press("Save")
    open_key(visit, "Fenced in")
    assert visit.page.get_by_label("Allowed networks").input_value() == "192.0.2.0/24"
