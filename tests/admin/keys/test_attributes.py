"""Attributes of keys that only one product has, by the profile's data: in the admin and in commands."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apikeys.models import ApiKey
from config import profiles
from config.profiles import Profile
from tests.admin.helpers import errors_of, page, text_of
from tests.admin.keys.test_new import ADD
from tests.commands.helpers import refusal_of, run
from tests.conftest import add_user
from tests.logins import browser


@pytest.fixture
def admin(db: None, served_profile: Callable[[Profile], None]) -> Client:
    served_profile(profiles.load("sentrikat"))
    return browser(add_user("root", "super_admin"))


def fill_in(client: Client, **values: Any) -> dict[str, Any]:
    form = client.get(page(ADD)).context["form"]
    sent = {"name": "CI", "environment": "agent", "lifetime": "never", "ticket": form["ticket"].value()}
    return sent | {"user": form["user"].value()} | values


def test_the_form_asks_for_what_the_profile_names(admin: Client) -> None:
    text = text_of(admin.get(page(ADD)))
    assert "server for infrastructure, client for end-user workstations" in text
    chosen = {"attribute_key_type": "client", "attribute_scan_code_dependencies": "on"}
    assert admin.post(page(ADD), fill_in(admin, **chosen)).status_code == 200
    key = ApiKey.objects.get()
    wanted = {"key_type": "client", "scan_vscode_extensions": False, "scan_code_dependencies": True}
    assert key.attributes == wanted
    assert "key_type: client" in text_of(admin.get(page("apikeys_apikey_change", key.pk)))


def test_an_unknown_value_is_reported_beside_the_field(admin: Client) -> None:
    sent = fill_in(admin, attribute_key_type="toaster")
    assert "toaster" in errors_of(admin.post(page(ADD), sent))["attribute_key_type"]
    assert ApiKey.objects.count() == 0


MAKE = ("createapikey", "--name", "CI", "--user", "root")


def test_a_command_takes_them_too(admin: Client) -> None:
    run(*MAKE, "--attribute", "key_type=client", "--attribute", "scan_vscode_extensions=true")
    wanted = {"key_type": "client", "scan_vscode_extensions": True, "scan_code_dependencies": False}
    assert ApiKey.objects.get().attributes == wanted


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("key_type", "attribute: 'key_type' must be NAME=VALUE"),
        ("key_type=toaster", "key_type: must be one of: server, client"),
        ("scan_vscode_extensions=perhaps", "scan_vscode_extensions: must be true or false"),
        ("colour=red", "colour: is not an attribute of this product"),
    ],
)
def test_a_wrong_attribute_is_one_line(admin: Client, attribute: str, words: str) -> None:
    assert words in refusal_of(*MAKE, "--attribute", attribute)
    assert ApiKey.objects.count() == 0
