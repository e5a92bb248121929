"""Makes the pictures of the admin and the console anew: `.venv/bin/python docs/make_screenshots.py`."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PROJECT = Path(__file__).parent.parent
ADMIN, CONSOLE = PROJECT / "docs" / "admin", PROJECT / "docs" / "console"
WIDE = {"width": 1440, "height": 800}
NARROW = {"width": 380, "height": 620}
LOW = {"width": 1440, "height": 560}
SMALL = {"width": 600, "height": 440}
DEVICE = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": "203.0.113.7"}


def main() -> None:
    """Set up an installation with something in it, and look at its pages."""
    sys.path.insert(0, str(PROJECT))
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import find_chromium
    from tests.browser.conftest import LIMITS, fill, visiting
    from tests.installation import ADMIN as ADMINISTRATOR
    from tests.installation import Installation, fresh_database

    with tempfile.TemporaryDirectory() as name, fresh_database(Path(name)) as url:
        installation = Installation(Path(name), url)
        installation.manage("setup", **ADMINISTRATOR).check_returncode()
        for module in ("tests.browser.demo", "tests.browser.demo_login"):
            fill(installation, module)
        program = installation.manage_json(
            *("createoauthclient", "--name", "Command line", "--public", "--device-grant"),
            *("--scope", "services:read"),
        )
        settings = {
            "KEYHOUSE_LIMITS": LIMITS,
            "KEYHOUSE_ADMIN_SECOND_FACTOR": "false",
            "KEYHOUSE_TRUSTED_PROXIES": "127.0.0.1",
        }
        with installation.serve(**settings) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium())
            with visiting(browser, server, viewport=WIDE) as visit:
                visit.log_in()
                admin(visit)
                console(visit)
                organization_login(visit)
                device(visit, program["client_id"])
            with visiting(browser, server, viewport=SMALL) as visit:
                visit.go("/account/login/organization")
                visit.page.get_by_label("E-mail address").fill("alice@acme.example")
                picture(visit, CONSOLE / "organization-login")
            with visiting(browser, server, viewport=NARROW, color_scheme="dark") as visit:
                visit.log_in()
                picture(visit, ADMIN / "narrow-dark")
                visit.go("/account/keys")
                picture(visit, CONSOLE / "narrow-dark")
            browser.close()


def admin(visit: Any) -> None:
    """Look at the pages of docs/how-to/admin.md."""
    picture(visit, ADMIN / "overview")
    visit.go("/admin/apikeys/apikey/")
    picture(visit, ADMIN / "keys")
    visit.go("/admin/apikeys/apikey/add/")
    picture(visit, ADMIN / "new-key")
    visit.page.get_by_label("Name").fill("Billing")
    visit.page.get_by_label("services:read").check()
    visit.press("Create key")
    picture(visit, ADMIN / "shown-once")
    visit.go("/admin/apikeys/apikey/1/change/")
    visit.page.locator("fieldset", has_text="How it is used").screenshot(path=ADMIN / "key.png")
    visit.press("Revoke")
    picture(visit, ADMIN / "revoke")
    visit.go("/admin/accounts/user/")
    picture(visit, ADMIN / "people")
    visit.page.locator(".action-select").nth(1).check()
    visit.page.locator("select[name=action]").select_option("end_sessions")
    visit.press("Go")
    picture(visit, ADMIN / "end-sessions")
    visit.go("/admin/audit/event/?kind=changes")
    picture(visit, ADMIN / "audit")


def console(visit: Any) -> None:
    """Look at the pages of docs/how-to/console.md."""
    visit.go("/account/keys")
    picture(visit, CONSOLE / "keys")
    visit.page.locator("table.things tbody a").first.click()
    visit.page.wait_for_load_state()
    picture(visit, CONSOLE / "key")
    visit.press("Revoke")
    picture(visit, CONSOLE / "revoke")
    visit.go("/account/keys/new")
    visit.page.get_by_label("Name").fill("Nightly backup")
    visit.page.get_by_label("services:read").check()
    picture(visit, CONSOLE / "new-key")
    visit.press("Create key")
    picture(visit, CONSOLE / "shown-once")
    for name in ("organizations", "sessions", "security", "profile"):
        visit.go(f"/account/{name}")
        picture(visit, CONSOLE / name)


def organization_login(visit: Any) -> None:
    """Look at the pages of docs/how-to/organization-login.md."""
    visit.page.set_viewport_size({"width": 1440, "height": 1120})
    visit.go("/account/organizations")
    for name in ("Acme", "Login"):
        visit.page.get_by_role("link", name=name, exact=True).click()
        visit.page.wait_for_load_state()
    picture(visit, CONSOLE / "provider")
    visit.page.set_viewport_size(LOW)
    visit.page.locator("a[href$='/provider/require']").click()
    visit.page.wait_for_load_state()
    picture(visit, CONSOLE / "provider-required")


def device(visit: Any, client_id: str) -> None:
    """Look at the page of docs/how-to/devices.md."""
    asked = urlencode({"client_id": client_id}).encode()
    path = "/api/v1/auth/oauth2/device_authorization"
    answer = visit.server.request("POST", path, headers=DEVICE, body=asked)
    code = json.loads(answer.body)["user_code"]
    visit.go(f"/device?{urlencode({'user_code': code})}")
    picture(visit, CONSOLE / "device")


def picture(visit: Any, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    visit.page.evaluate("document.getAnimations().forEach(each => each.finish())")
    visit.page.screenshot(path=path.with_suffix(".png"))


if __name__ == "__main__":
    main()
