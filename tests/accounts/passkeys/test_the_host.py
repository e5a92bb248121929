"""Which host passkeys are for, what pages say elsewhere, and what is left of those of another host."""

import logging

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Passkey
from accounts.passkeys.relying_party import relying_party, why_none
from accounts.passkeys.stranded import warn_of_stranded_passkeys
from accounts.second_factor.services import remove_second_factors
from audit.models import Event
from tests.accounts.authenticator import attempt
from tests.accounts.helpers import caller_as
from tests.accounts.passkeys.authenticator import Authenticator, asked_at, at_localhost, browser, with_passkey
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import SECURITY, console_of


@pytest.mark.parametrize(
    ("address", "host", "origin"),
    [
        ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
        ("http://[::1]:8000", "localhost", "http://localhost:8000"),
        ("http://localhost", "localhost", "http://localhost"),
        ("https://keys.example.org", "keys.example.org", "https://keys.example.org"),
        ("https://keys.example.org:8443", "keys.example.org", "https://keys.example.org:8443"),
        ("https://192.0.2.1", "", "https://192.0.2.1"),
        ("http://keys.example.org", "", "http://keys.example.org"),
    ],
)
def test_passkeys_are_for_the_host_of_the_public_url(
    address: str, host: str, origin: str, settings: Settings
) -> None:
    settings.PUBLIC_URL, settings.HTTPS = address, address.startswith("https")
    assert relying_party() == (host, origin)
    assert bool(why_none()) == (not host)


def test_a_page_elsewhere_says_where_passkeys_work(cast: Cast, settings: Settings) -> None:
    client = console_of(cast.bob, headers={"Accept": "text/html", "Host": "127.0.0.1:8000"})
    said = client.get(SECURITY).content.decode()
    assert "http://localhost:8000/account/security" in said and "Add a passkey" not in said
    assert (
        "data-asks" not in Client(headers={"Host": "127.0.0.1:8000"}).get("/account/login").content.decode()
    )
    settings.PUBLIC_URL = "https://192.0.2.1"
    assert "Passkeys need a host name" in client.get(SECURITY).content.decode()


def test_after_a_password_elsewhere_a_person_with_a_passkey_is_asked_for_a_code(cast: Cast) -> None:
    with_passkey(cast.ada)
    client = Client(headers={"Accept": "text/html", "Host": "127.0.0.1:8000"})
    answer = client.post("/account/login", {"identifier": "ada", "password": PASSWORD})
    assert answer.status_code == 401
    said = answer.content.decode()
    assert "Type your password again" in said and "Use your passkey" not in said


def test_a_start_says_how_many_passkeys_another_host_leaves_behind(
    cast: Cast, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    key = with_passkey(cast.ada)
    with caplog.at_level(logging.WARNING, "keyhouse.passkeys"):
        warn_of_stranded_passkeys()
        assert caplog.messages == []
        settings.PUBLIC_URL, settings.HTTPS = "https://keys.example.org", True
        warn_of_stranded_passkeys()
    [message] = caplog.messages
    assert "work only at localhost: 1." in message and "keys.example.org" in message
    assert attempt(cast.ada).status_code == 401  # a password alone is still not enough
    settings.PUBLIC_URL, settings.HTTPS = "http://localhost:8000", False
    client = browser()
    assert client.post("/account/login", {"passkey": key.signed(asked_at(client))}).status_code == 302


def test_a_passkey_for_another_host_is_an_unknown_one(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    Passkey.objects.update(rp_id="keys.example.org")
    answer = client.post("/account/login", {"passkey": key.signed(asked_at(client))})
    assert answer.status_code == 401
    assert Event.objects.latest("sequence").detail == {"reason": "unknown passkey"}


@pytest.mark.requirement(99)
def test_an_administrator_removes_the_passkeys_of_others(cast: Cast) -> None:
    key = with_passkey(cast.bob)
    remove_second_factors(caller=caller_as(cast.ada), selected=[cast.bob])
    assert not Passkey.objects.exists()
    client = browser()
    assert client.post("/account/login", {"passkey": key.signed(asked_at(client))}).status_code == 401
    assert client.post("/account/login", {"identifier": "bob", "password": PASSWORD}).status_code == 302
    assert at_localhost(cast.bob).get(SECURITY).status_code == 200
    assert Authenticator().id == key.id
