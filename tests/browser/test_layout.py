"""Nothing of a page is cut off, squeezed or out of reach, with data of every kind in it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin import site
from django.urls import reverse

from tests.browser.conftest import LIMITS, Visit, fill, visiting
from tests.installation import Installation, Server, copy_of
from tests.pages.device import DEVICE
from tests.pages.everything import PASSWORD

pytestmark = [pytest.mark.once, pytest.mark.slow]

SETTINGS = {"KEYHOUSE_LIMITS": LIMITS, "KEYHOUSE_ADMIN_SECOND_FACTOR": "false"}
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
OTHERS = (
    *("/admin/", "/admin/audit/sinks/", "/admin/nothing/", "/change-password"),
    *("/account/prove", "/account/security", "/account/security/password", "/account/security/authenticator"),
    *("/account/profile", "/account/profile/email", "/account/profile/mails"),
    *("/api/v1/auth/oauth2/login", "/device", f"/device?user_code={DEVICE}", "/device?user_code=wrong"),
)
KEYS = "/admin/apikeys/apikey/"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What is cut off by its box, and choices in more than two lines although there is room beside them.
CUT_OFF = """
() => {
  const seen = [...document.querySelectorAll("body *")].filter(
    each => each.checkVisibility() && !each.closest(".visually-hidden, .skip-to-content-link, svg, thead")
  );
  const clips = each =>
    getComputedStyle(each).overflowX !== "visible" || each.matches("input[type=submit], button");
  const cut = seen.filter(each =>
    !each.matches("input.vTextField, textarea") && clips(each) &&
    each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1
  );
  const out = seen.filter(each => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
  });
  const squeezed = seen.filter(each =>
    each.matches("label:has(input[type=checkbox], input[type=radio])") &&
    each.offsetHeight > 60 && each.offsetWidth < innerWidth / 2
  );
  const said = each => `${each.tagName} .${each.className} ${each.textContent.trim().slice(0, 30)}`;
  return [...cut, ...out, ...squeezed].map(said);
}
"""
# Whether the eye meets the filters before the first row.
FILTERS_FIRST = """
() => document.querySelector(".filters").getBoundingClientRect().bottom
    <= document.querySelector("#result_list tbody tr").getBoundingClientRect().top
"""


@pytest.fixture(scope="module")
def full(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with rows of every kind."""
    with copy_of(after_first_start, tmp_path_factory.mktemp("full")) as installation:
        fill(installation, "tests.pages.everything")
        with installation.serve(**SETTINGS) as server:
            yield server


def lists() -> list[str]:
    names = (f"{model._meta.app_label}_{model._meta.model_name}" for model in site._registry)
    return [reverse(f"admin:{name}_changelist") for name in names]


def pages(visit: Visit) -> Iterator[str]:
    """Open the pages that this person may see: lists, their first and last row, forms, the others."""
    yield from opened(visit, *OTHERS)
    for root in ("/account/keys", "/account/organizations"):
        yield from one_of_each(visit, root)
    for path in lists():
        yield from opened(visit, path)
        rows = visit.page.locator("#result_list tbody th a")
        others = {each.get_attribute("href") for each in (rows.first, rows.last)} if rows.count() else set()
        if visit.page.locator(".addlink").count():
            others.add(f"{path}add/")
        yield from opened(visit, *others)


def opened(visit: Visit, *paths: str) -> Iterator[str]:
    for path in paths:
        visit.page.goto(visit.origin + path)
        yield path


def one_of_each(visit: Visit, root: str) -> Iterator[str]:
    """Follow links to pages below `root`, to one of each kind."""
    waiting, seen = [root], {root}
    while waiting:
        yield from opened(visit, waiting.pop())
        for link in visit.page.locator(f"main a[href^='{root}']").all():
            address = link.get_attribute("href") or ""
            kind = UUID.sub("N", address)
            if kind not in seen:
                seen.add(kind)
                waiting.append(address)


@pytest.mark.parametrize("who", ["sue", "olive", "lou"])
def test_no_page_cuts_off_or_squeezes_what_it_shows(chromium: Any, full: Server, who: str) -> None:
    found = []
    with visiting(chromium, full) as visit:
        visit.log_in(who, PASSWORD)
        for path in pages(visit):
            for size in (PHONE, DESKTOP):
                visit.page.set_viewport_size(size)
                faults = visit.page.evaluate(CUT_OFF)
                found += [f"{path} ({size['width']}): {fault}" for fault in faults]
        visit.complaints[:] = [each for each in visit.complaints if "status of 40" not in each]
    assert not found, "\n".join(found)


def test_a_phone_shows_the_status_and_the_expiry_of_each_key_and_the_filters_first(
    chromium: Any, full: Server
) -> None:
    with visiting(chromium, full, viewport=PHONE) as visit:
        visit.log_in("olive", PASSWORD)
        visit.go(KEYS)
        assert visit.page.evaluate(FILTERS_FIRST)
        for name in ("status", "expires"):
            cells = visit.page.locator(f"#result_list td.field-{name}").all()
            boxes = [cell.bounding_box() for cell in cells]
            assert boxes and all(box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] for box in boxes)
        visit.page.locator(".filters summary", has_text="Status").click()
        with visit.page.expect_navigation():
            visit.page.get_by_role("link", name="revoked", exact=True).click()
        assert "Status: revoked" in visit.text()
