"""KEYHOUSE_CORS_ORIGINS: which values are origins of web pages, and which are safe in production."""

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from config.checks import production_faults
from config.env import ConfigurationError
from tests.commands.helpers import refusal_of
from tests.config.reading import read_settings
from tests.config.test_production import ANOTHER_MACHINE

pytestmark = pytest.mark.once

NO_ORIGINS = {
    "*": "* would admit every web page; name origins, for example https://app.example.org",
    "null": "null would admit every web page; name origins, for example https://app.example.org",
    "https://app.example.org/": "ends with a slash; give https://app.example.org",
    "https://app.example.org/login": "has a path; give https://app.example.org",
    "https://app.example.org?x": "must be an http:// or https:// address without",
    "https://ann:word@app.example.org": "must be an http:// or https:// address without",
    "https://a.example.org https://b.example.org": "must be an http:// or https:// address without",
    "app.example.org": "must be an http:// or https:// address without",
    "ftp://app.example.org": "must be an http:// or https:// address without",
    "chrome-extension://abcdef": "must be an http:// or https:// address without",
    "https://": "must be an http:// or https:// address without",
    "https://*.example.org": "has a host that clients cannot call",
    "https://app.example.org:0": "must be an http:// or https:// address without",
    "http://0.0.0.0:3000": "is where the server listens",
}
ON_THIS_MACHINE = ("http://localhost:5173", "http://127.0.0.1:3000", "http://127.9.9.9", "http://[::1]:3000")
ON_THE_NETWORK = ("http://app.example.org", "http://192.0.2.7:3000", "http://localhost.example.org")


def origins(folder: Path, value: str) -> Any:
    return read_settings(folder, KEYHOUSE_CORS_ORIGINS=value)["CORS_ALLOWED_ORIGINS"]


@pytest.mark.parametrize("value", NO_ORIGINS)
def test_what_is_no_origin_stops_the_start_and_the_reason_is_said(value: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        origins(tmp_path, f"https://good.example.org, {value}")
    said = str(raised.value)
    assert said.startswith("KEYHOUSE_CORS_ORIGINS: ") and NO_ORIGINS[value] in said


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("", []),
        (
            "https://app.example.org, https://b.example.org:8443",
            ["https://app.example.org", "https://b.example.org:8443"],
        ),
        ("HTTPS://App.Example.org:443,https://app.example.org", ["https://app.example.org"]),
        ("https://b\u00fccher.example", ["https://xn--bcher-kva.example"]),
        ("http://[::0:1]:80", ["http://[::1]"]),
    ],
)
def test_origins_are_spelled_as_browsers_send_them(value: str, spelled: list[str], tmp_path: Path) -> None:
    assert origins(tmp_path, value) == spelled


def test_pages_without_tls_are_trusted_on_loopback_addresses_only() -> None:
    with override_settings(CORS_ALLOWED_ORIGINS=[*ON_THIS_MACHINE, "https://app.example.org"]):
        assert production_faults() == []
    with override_settings(CORS_ALLOWED_ORIGINS=ON_THE_NETWORK):
        faults = production_faults()
    assert [fault.id for fault in faults] == ["keyhouse.E007"] * len(ON_THE_NETWORK)


def test_the_server_does_not_start_for_pages_without_tls(tmp_path: Path) -> None:
    with override_settings(CORS_ALLOWED_ORIGINS=origins(tmp_path, ON_THE_NETWORK[0])):
        said = refusal_of("serve", "--bind", ANOTHER_MACHINE)
    assert said == (
        "(keyhouse.E007) KEYHOUSE_CORS_ORIGINS contains http://app.example.org: others on the network could "
        "change its pages. Serve them at https://app.example.org."
    )
