"""Passkeys in a real browser, with the virtual authenticator of Chromium."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import NAME, PASSWORD, Visit
from tests.installation import Installation, Server, copy_of, free_port, serving

pytestmark = [pytest.mark.once, pytest.mark.slow]

SECURITY = "/account/security"
CODE = re.compile(r"(?:[0-9a-z]{4}-){3}[0-9a-z]{4}")


class AtLocalhost(Visit):
    """Somebody at the name that passkeys are for."""

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server.port}"


@pytest.fixture(scope="module")
def server(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    settings = {"KEYHOUSE_PUBLIC_URL": f"http://localhost:{port}", "KEYHOUSE_ADMIN_SECOND_FACTOR": "false"}
    with copy_of(after_first_start, tmp_path_factory.mktemp("passkeys")) as installation:
        command = [*installation.manage_py, "serve", "--bind", f"127.0.0.1:{port}"]
        with serving(command, port, installation.environment | settings) as server:
            yield server


def authenticator(visit: Visit, **how: Any) -> Any:
    """Give the browser an authenticator that verifies its person; return the CDP session that has it."""
    session = visit.context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **how,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    session.number = made["authenticatorId"]
    return session


def type_password(visit: Visit, code: str = "") -> None:
    visit.go("/account/login")
    visit.page.get_by_label("User name").fill(NAME)
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.get_by_label("Code").fill(code)
    visit.press("Log in")


def add(visit: Visit) -> list[str]:
    """Add a passkey as somebody without a second factor; return the recovery codes."""
    visit.go(SECURITY)
    visit.press("Add a passkey")
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.press("Continue")
    visit.page.get_by_label("Name").fill("Laptop")
    visit.press("Make the passkey")
    return CODE.findall(visit.text())


@pytest.fixture
def person(chromium: Any, server: Server) -> Iterator[Visit]:
    """Somebody at the login page, whose browser offers passkeys only when a button is pressed."""
    context = chromium.new_context()
    try:
        yield AtLocalhost(server, context)
    finally:
        context.close()


NO_OFFERS = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"


def test_a_passkey_is_added_used_in_each_way_and_removed(person: Visit) -> None:
    device = authenticator(person)
    type_password(person)
    codes = add(person)
    assert len(codes) == 10
    person.go(SECURITY)
    assert "Laptop" in person.text() and "on one device" in person.text()
    [made] = device.send("WebAuthn.getCredentials", {"authenticatorId": device.number})["credentials"]
    assert made["rpId"] == "localhost" and made["isResidentCredential"]

    # Among the suggestions of the name field: Chromium takes the only passkey by itself.
    person.press("Log out")
    person.page.goto(person.origin + "/account/login")
    person.page.wait_for_url("**/account/keys")

    # By the button, without a password, at the admin.
    person.context.add_init_script(NO_OFFERS)
    person.press("Log out")
    person.go("/admin/login/?next=/admin/")
    person.press("Log in with a passkey")
    assert person.page.url == person.origin + "/admin/"

    # After the password.
    person.go("/account/keys")
    person.press("Log out")
    type_password(person)
    assert "Use your passkey." in person.text()
    person.press("Use your passkey")
    assert person.page.url == person.origin + "/account/keys"

    # Lost: a recovery code logs in, and removes it.
    device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device.number})
    person.press("Log out")
    type_password(person, codes[0])
    assert person.page.url == person.origin + "/account/keys"
    person.go(SECURITY)
    person.page.get_by_role("link", name="Remove the passkey").click()
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_label("Code").fill(codes[1])
    person.press("Remove the passkey")
    assert "The passkey is removed." in person.text()
    expected = "401 (Unauthorized)"  # a password without the passkey
    assert [each for each in person.complaints if expected not in each] == []


def test_a_passkey_proves_who_changes_the_account(person: Visit) -> None:
    authenticator(person)
    type_password(person)
    add(person)
    person.go(SECURITY)
    person.page.get_by_role("link", name="Remove the passkey").click()
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Use a passkey instead of a code")
    assert "The passkey is removed." in person.text()
    assert person.complaints == []


def test_a_page_at_an_ip_address_offers_localhost(person: Visit) -> None:
    address = f"http://127.0.0.1:{person.server.port}"
    person.page.goto(address + "/account/login")
    person.page.get_by_label("User name").fill(NAME)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Log in")
    person.page.goto(address + SECURITY)
    link = person.page.get_by_role("link", name="Open this page there")
    assert link.get_attribute("href") == person.origin + SECURITY
