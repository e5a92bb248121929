"""Makes the pictures of docs/how-to/admin.md anew: `.venv/bin/python docs/make_screenshots.py`."""

import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
PICTURES = PROJECT / "docs" / "admin"
WIDE = {"width": 1440, "height": 800}
NARROW = {"width": 380, "height": 620}


def main() -> None:
    """Set up an installation with something in it, and look at its pages."""
    sys.path.insert(0, str(PROJECT))
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import find_chromium
    from tests.browser.conftest import LIMITS, fill, visiting
    from tests.installation import ADMIN, Installation, fresh_database

    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, fresh_database(Path(name)) as url:
        installation = Installation(Path(name), url)
        installation.manage("setup", **ADMIN).check_returncode()
        fill(installation)
        settings = {"KEYHOUSE_LIMITS": LIMITS, "KEYHOUSE_ADMIN_SECOND_FACTOR": "false"}
        with installation.serve(**settings) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium())
            with visiting(browser, server, viewport=WIDE) as visit:
                visit.log_in()
                picture(visit, "overview")
                visit.go("/admin/apikeys/apikey/")
                picture(visit, "keys")
                visit.go("/admin/apikeys/apikey/add/")
                picture(visit, "new-key")
                visit.page.get_by_label("Name").fill("Billing")
                visit.page.get_by_label("services:read").check()
                visit.press("Create key")
                picture(visit, "shown-once")
                visit.go("/admin/apikeys/apikey/1/change/")
                visit.page.locator("fieldset", has_text="How it is used").screenshot(
                    path=PICTURES / "key.png"
                )
                visit.press("Revoke")
                picture(visit, "revoke")
                visit.go("/admin/accounts/user/")
                picture(visit, "people")
                visit.page.locator(".action-select").nth(1).check()
                visit.page.locator("select[name=action]").select_option("end_sessions")
                visit.press("Go")
                picture(visit, "end-sessions")
                visit.go("/admin/audit/event/?kind=changes")
                picture(visit, "audit")
            with visiting(browser, server, viewport=NARROW, color_scheme="dark") as visit:
                visit.log_in()
                picture(visit, "narrow-dark")
            browser.close()


def picture(visit: Any, name: str) -> None:
    visit.page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
