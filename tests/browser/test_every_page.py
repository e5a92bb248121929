"""What holds for every page of the admin in a browser: the policy, both themes, narrow screens, access."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.contrib.admin import site
from django.urls import reverse

from tests.browser.chromium import axe_source
from tests.browser.conftest import OAUTH2, Visit, visiting
from tests.browser.demo import MAILED
from tests.installation import Server

pytestmark = [pytest.mark.once, pytest.mark.slow]

OF_NO_LIST = (
    "/admin/",
    "/admin/audit/sinks/",
    "/account/security",
    "/account/prove",
    "/account/security/password",
    "/account/security/authenticator",
    "/account/profile",
    "/account/profile/email",
    "/account/profile/mails",
    "/admin/apikeys/apikey/?status=expiring",
    "/admin/apikeys/apikey/?made=2026-11",
    "/admin/accounts/user/?second_factor=no",
    *(
        f"/{page}?token={MAILED}"
        for page in ("recovery", "undo-email-change", "reset-password", "confirm-email", "unsubscribe")
    ),
)
LONG_NAME = "Dashboard" + "_of_everything" * 6
WITHOUT_QUESTION = {"export", "resend"}
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 720}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Look(NamedTuple):
    """How a page is seen, and what axe looks for: contrast, which takes it longest, depends on no width."""

    scheme: str
    screen: dict[str, int]
    options: dict[str, object]


# The last is what the next page is reached in.
LOOKS = {
    "narrow": Look("light", NARROW, {"runOnly": RULES, "rules": {"color-contrast": {"enabled": False}}}),
    "dark": Look("dark", WIDE, {"runOnly": ["color-contrast"]}),
    "light": Look("light", WIDE, {"runOnly": RULES}),
}
# The serious faults alone: to carry all that axe finds through three processes takes seconds.
RUN_AXE = """
async options => {
  const found = await axe.run(document, {...options, resultTypes: ["violations"], selectors: false});
  return found.violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .flatMap(each => each.nodes.map(node => `${each.id}: ${node.html}`));
}
"""
END_TRANSITIONS = "document.getAnimations().forEach(each => each.finish())"


def every_page(visit: Visit) -> Iterator[str]:
    """Open one page after the other, and those between an action and what it does."""
    for path in OF_NO_LIST:
        visit.go(path)
        yield path
    for model, its_admin in site._registry.items():
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield from of_list(visit, path, [str(action) for action in its_admin.actions or ()])
    visit.go("/admin/apikeys/apikey/1/change/")
    visit.press("Rotate")
    yield "Rotate"
    visit.go("/admin/apikeys/apikey/add/")
    visit.press("Create key")
    yield "a form with errors"
    visit.page.get_by_label("Name").fill("Seen")
    visit.press("Create key")
    visit.page.wait_for_selector("#new-key")
    yield "a new key"
    yield from pages_of_oauth2(visit)


def pages_of_oauth2(visit: Visit) -> Iterator[str]:
    """What people see of a client: log in, say yes, take it back. It is sent to our own front page."""
    callback = f"{visit.origin}/admin/"
    visit.go("/admin/accounts/oauthclient/add/")
    visit.page.get_by_label("Name:").fill(LONG_NAME)
    visit.page.get_by_label("Redirect").fill(callback)
    visit.page.get_by_label("services:read").check()
    visit.press("Register")
    yield "a new client"
    asked = {
        "client_id": visit.page.inner_text("#client-id"),
        "redirect_uri": callback,
        "response_type": "code",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        "prompt": "login",
    }
    visit.go(f"{OAUTH2}/authorize?{urlencode(asked)}")
    yield "OAuth2: log in"
    visit.log_in_to_allow()
    yield "OAuth2: allow"
    visit.press("Allow")
    assert visit.page.url.startswith(f"{callback}?code=")
    visit.go(f"{OAUTH2}/allowed")
    yield "OAuth2: what one allows"
    visit.press(f"Withdraw from {LONG_NAME}")
    yield "OAuth2: nothing"
    visit.press("Log out")


def of_list(visit: Visit, path: str, actions: list[str]) -> Iterator[str]:
    """A list, the page of its first row, the form for a new one, and what each of its actions asks."""
    visit.go(path)
    yield path
    may_add = visit.page.locator(".addlink").count()
    links = visit.page.locator("#result_list tbody th a")
    if links.count():
        visit.go(links.first.get_attribute("href"))
    else:
        visit.go(f"{path}{visit.page.locator('.action-select').first.get_attribute('value')}/change/")
    yield f"{path}: a row"
    if may_add:
        visit.go(f"{path}add/")
        yield f"{path}add/"
    for action in actions:
        if action not in WITHOUT_QUESTION:
            visit.go(path)
            visit.page.locator(".action-select").first.check()
            visit.page.locator("select[name=action]").select_option(action)
            visit.press("Go")
            yield f"{path}: {action}"


def every_look(visit: Visit) -> Iterator[tuple[str, Look]]:
    """Open one page after the other, and see each on a narrow screen, in the dark and in the light."""
    for page in every_page(visit):
        for name, look in LOOKS.items():
            visit.page.emulate_media(color_scheme=look.scheme)
            visit.page.set_viewport_size(look.screen)
            visit.page.evaluate(END_TRANSITIONS)  # links change their colour slowly
            yield f"{page}, {name}", look


def faults(visit: Visit, axe: str, look: Look) -> list[str]:
    """The serious faults of accessibility that the page has as it is seen now."""
    if not visit.page.evaluate("'axe' in window"):
        visit.page.evaluate(axe)
    found: list[str] = visit.page.evaluate(RUN_AXE, look.options)
    visit.complaints.clear()  # axe reads copies of elements, whose styles the policy forbids
    return found


def test_no_page_goes_against_the_policy_is_too_wide_or_has_a_serious_fault_of_accessibility(
    chromium: Any, demo: Server
) -> None:
    axe = (
        axe_source()
    )  # npm's alone, under a licence of its own; the end of ./run test says if it was missing
    found = []
    with visiting(chromium, demo) as visit:
        visit.log_in()
        for name, look in every_look(visit):
            width = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert width <= 0, f"{name}: {width} pixels too wide"
            assert visit.complaints == [], name
            found += [f"{name}: {fault}" for fault in (faults(visit, axe, look) if axe else [])]
    assert not found, "\n".join(found)


def test_dark_is_dark(chromium: Any, demo: Server) -> None:
    def light_of(visit: Visit) -> int:
        visit.log_in()
        colour: str = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(number) for number in colour[4:-1].split(","))

    with visiting(chromium, demo, color_scheme="dark") as dark, visiting(chromium, demo) as light:
        assert light_of(dark) < 150 < 600 < light_of(light)
        light.page.get_by_role("button", name="Toggle theme").click()
        light.page.get_by_role("button", name="Toggle theme").click()
        assert light.complaints == []


def test_members_of_an_organization_are_searched_for_within_the_policy(visit: Visit) -> None:
    visit.go("/admin/accounts/organization/2/change/")
    visit.page.get_by_text("Add another member").click()
    visit.page.locator(".select2-selection").last.click()
    visit.page.locator(".select2-search__field").fill("admin")
    visit.page.locator(".select2-results__option", has_text="admin").wait_for()
    assert visit.complaints == []
