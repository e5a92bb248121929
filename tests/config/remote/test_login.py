"""keyhouse login, token and logout, with a server behind a real socket and a person at /device."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import msgspec
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from pytest_django.fixtures import Settings

from config.remote import use
from config.remote.keyhouse import Codes
from config.remote.logins import SERVICE, Login, TokenFile
from oauth.models import Consent, DeviceCode, OAuthClient
from oauth.services.consents import end_consents_of
from tests.commands.helpers import refusal_of
from tests.config.remote.person import AS, Memory, Person, let_time_pass
from tests.config.remote.serving import Elsewhere
from tests.conftest import Cast
from tests.oauth.devices.flow import device_client
from tests.oauth.flow import gateway

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"o(at|rt|dc)_")


@pytest.fixture(autouse=True)
def own_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Elsewhere]:
    keyhouse = Elsewhere()
    settings.PUBLIC_URL = keyhouse.url
    yield keyhouse
    keyhouse.server.server_close()


@pytest.fixture
def url(elsewhere: Elsewhere) -> str:
    return elsewhere.url


@pytest.fixture
def person(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Person:
    return Person(elsewhere, monkeypatch, capsys)


def nothing() -> None:
    """Poll at once."""


def kept_in(memory: Memory, url: str) -> Login:
    return msgspec.json.decode(memory.kept[SERVICE, url], type=Login)


def expire(memory: Memory, url: str) -> None:
    """Let the kept access token be older."""
    login = msgspec.structs.replace(kept_in(memory, url), expires_at=0.0)
    memory.set_password(SERVICE, url, msgspec.json.encode(login).decode())


def test_a_person_logs_in_with_the_code_that_the_command_shows(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.does(nothing, nothing, person.answer(cast.bob))
    text = elsewhere.output("login", *AS, device_client().row.client_id)
    assert text == f"You are logged in at {url}.\n"
    assert person.waited == [5, 5, 10]  # the second poll came too early and got slow_down
    assert f"Open {url}/device\n" in person.shown and not SECRET.search(text + person.shown)
    assert gateway(elsewhere.output("token").strip()) == 200
    assert list(own_keyring.kept) == [(SERVICE, url)]


def test_an_expired_token_is_refreshed_and_the_new_one_kept(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.logs_in(cast.bob)
    first = elsewhere.document("token")["access_token"]
    assert elsewhere.document("token")["access_token"] == first
    for _ in range(2):  # each refresh token works once
        expire(own_keyring, url)
        assert gateway(elsewhere.document("token")["access_token"]) == 200
    assert kept_in(own_keyring, url).access_token != first


def test_logging_out_revokes_the_tokens_and_forgets_them(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.logs_in(cast.bob)
    token = elsewhere.document("token")["access_token"]
    assert elsewhere.output("logout") == f"You are logged out at {url}.\n"
    assert (gateway(token), own_keyring.kept) == (401, {})
    for name in ("logout", "token"):
        assert f"you are not logged in at {url}" in elsewhere.refusal(name)


def test_logging_in_again_revokes_the_earlier_tokens(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person
) -> None:
    person.logs_in(cast.bob)
    earlier = elsewhere.document("token")["access_token"]
    person.logs_in(cast.bob)
    assert gateway(earlier) == 401
    assert gateway(elsewhere.document("token")["access_token"]) == 200
    assert Consent.objects.count() == 1


def test_the_tokens_of_a_deleted_client_are_forgotten(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.logs_in(cast.bob)
    OAuthClient.objects.all().delete()
    person.logs_in(cast.bob)
    OAuthClient.objects.all().delete()
    assert elsewhere.output("logout") == f"You are logged out at {url}.\n"
    assert own_keyring.kept == {}


def test_without_a_keyring_nothing_is_asked_or_written_unless_a_file_is_named(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, tmp_path: Path
) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    refused = elsewhere.refusal("login", *AS, device_client().row.client_id)
    assert "this system has no keyring" in refused and "--token-file" in refused
    assert not DeviceCode.objects.exists()
    path = tmp_path / "token"
    person.logs_in(cast.bob, "--token-file", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert gateway(elsewhere.output("token", "--token-file", str(path)).strip()) == 200
    path.chmod(0o640)
    assert f"others may read {path}" in elsewhere.refusal("token", "--token-file", str(path))
    path.chmod(0o600)
    elsewhere.output("logout", "--token-file", str(path))
    assert not path.exists()


def test_tokens_that_cannot_be_kept_are_revoked(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    person.does(path.mkdir, person.answer(cast.bob))
    refused = elsewhere.refusal("login", *AS, device_client().row.client_id, "--token-file", str(path))
    assert refused.startswith(f"cannot read {path}") and not Consent.objects.exists()


def test_a_file_of_something_else_is_never_replaced(elsewhere: Elsewhere, url: str, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    for text in ("my notes", json.dumps({"url": "https://keys.example.org"})):
        path.write_text(text)
        path.chmod(0o600)
        refused = elsewhere.refusal("login", *AS, "any", "--token-file", str(path))
        assert f"{path} does not contain a login" in refused and path.read_text() == text
    login = Login("https://keys.example.org", "any", "oat_1", "ort_1", 0.0)
    TokenFile(path).save(login)
    assert "has the login at https://keys.example.org" in elsewhere.refusal(
        "token", "--token-file", str(path)
    )


def test_a_locked_keyring_is_named_before_the_person_has_answered(
    elsewhere: Elsewhere, url: str, own_keyring: Memory
) -> None:
    own_keyring.is_locked = True
    refused = elsewhere.refusal("login", *AS, device_client().row.client_id)
    assert "the keyring cannot be used (KeyringLocked)" in refused
    assert not DeviceCode.objects.exists()


def test_a_person_who_does_not_allow_it_is_not_logged_in(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.does(person.answer(cast.bob, "deny"))
    refused = elsewhere.refusal("login", *AS, device_client().row.client_id)
    assert refused.startswith("you are not logged in: nobody allowed it")
    assert own_keyring.kept == {}


def test_the_command_stops_when_the_code_has_expired(elsewhere: Elsewhere, url: str, person: Person) -> None:
    person.does(*[let_time_pass] * 120)
    refused = elsewhere.refusal("login", *AS, device_client().row.client_id)
    assert refused == "you are not logged in: the code has expired"
    assert sum(person.waited) == 600


def test_a_login_that_was_withdrawn_says_to_log_in_again(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.logs_in(cast.bob)
    end_consents_of(cast.bob)
    expire(own_keyring, url)
    assert elsewhere.refusal("token") == f"the login at {url} has ended (invalid_grant). Log in again"


def test_a_keyhouse_that_is_down_costs_no_login(
    elsewhere: Elsewhere, cast: Cast, url: str, person: Person, own_keyring: Memory
) -> None:
    person.logs_in(cast.bob)
    expire(own_keyring, url)
    elsewhere.server.server_close()
    for name in ("token", "logout"):
        assert "the connection was refused" in refusal_of(name, url)
    assert kept_in(own_keyring, url).url == url


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://192.0.2.1", "Only a Keyhouse on this machine is called without TLS."),
        ("ftp://127.0.0.1", "The URL must begin with https://."),
        ("https://bob:secret@keys.example.org", "The URL must have no user name"),
    ],
)
def test_tokens_never_go_anywhere_without_tls(address: str, said: str) -> None:
    assert said in refusal_of("login", address, *AS, "any")


def test_a_keyhouse_is_called_by_its_own_name_alone(
    elsewhere: Elsewhere, url: str, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://keys.example.org"
    refused = elsewhere.refusal("login", *AS, "any")
    assert refused == f"{url} calls itself https://keys.example.org. Use that address."


def test_a_client_that_may_not_ask_is_named(elsewhere: Elsewhere, url: str) -> None:
    client = device_client(device_grant=False, redirect_uris=["https://app.example.org/callback"])
    refused = elsewhere.refusal("login", *AS, client.row.client_id)
    assert refused == f"{url} did not give a code: it answered unauthorized_client"


def test_no_browser_is_opened_where_the_person_would_not_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_page(page: str) -> bool:
        opened.append(page)
        return True

    monkeypatch.setattr("webbrowser.open", open_page)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("DISPLAY", ":0")
    assert use.open_browser("https://keys.example.org/device")
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    assert not use.open_browser("https://keys.example.org/device")
    assert opened == ["https://keys.example.org/device"]


def test_nothing_that_holds_a_token_prints_it() -> None:
    login = Login("https://keys.example.org", "any", "oat_1", "ort_1", 0.0)
    codes = Codes("odc_1", "WDJB-MJHT", "https://keys.example.org/device", 600)
    assert (repr(login), str(codes)) == ("Login", "Codes")
