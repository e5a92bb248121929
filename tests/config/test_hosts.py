"""CHECKLIST 114: all standard spellings of a host count as one, or are refused at the start."""

import json
import socket
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from config import env
from config.env import ConfigurationError
from config.hosts import ascii_domain, spell_header, spell_host
from tests.accounts.mailbox import listening, plain
from tests.config.reading import read_settings
from tests.installation import ADMIN, PROJECT, Installation, free_port, serving

pytestmark = pytest.mark.once

SPELLINGS = {
    # as written: the canonical spelling
    "https://keys.example.org": "https://keys.example.org",
    "HTTPS://Keys.EXAMPLE.org/": "https://keys.example.org",
    "https://keys.example.org:443": "https://keys.example.org",
    "https://keys.example.org:0443": "https://keys.example.org",
    "https://keys.example.org:": "https://keys.example.org",
    "https://keys.example.org.": "https://keys.example.org",
    "https://keys.example.org.:8443/": "https://keys.example.org:8443",
    "https://keys.example.org:80": "https://keys.example.org:80",
    "http://keys.example.org:80": "http://keys.example.org",
    "http://keys.example.org:443": "http://keys.example.org:443",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "https://B\u00dcCHER.example": "https://xn--bcher-kva.example",
    "https://bu\u0308cher.example": "https://xn--bcher-kva.example",
    "https://b%C3%BCcher.example": "https://xn--bcher-kva.example",
    "https://XN--Bcher-KVA.example": "https://xn--bcher-kva.example",
    "https://straße.example": "https://xn--strae-oqa.example",
    "https://bücher。example": "https://xn--bcher-kva.example",
    "https://\uff4b\uff45\uff59\uff53.example": "https://keys.example",
    "https://192.0.2.7:443": "https://192.0.2.7",
    "https://[2001:DB8:0:0::1]": "https://[2001:db8::1]",
    "https://[2001:db8::192.0.2.1]:443": "https://[2001:db8::c000:201]",
    "http://[0:0:0:0:0:0:0:1]:8000": "http://[::1]:8000",
    "http://keyhouse:8000": "http://keyhouse:8000",
}


@pytest.mark.parametrize("value", SPELLINGS)
@pytest.mark.requirement(114)
def test_a_public_address_has_one_spelling(value: str) -> None:
    assert env.origin("KEYHOUSE_PUBLIC_URL", value) == SPELLINGS[value]
    assert env.page("KEYHOUSE_RESET_URL", f"{value.rstrip('/')}/a/Path") == f"{SPELLINGS[value]}/a/Path"


@pytest.mark.parametrize(
    "value",
    [
        "http://0.0.0.0:8000",
        "http://[::]:8000",
        "http://[0:0::0]",
        "http://[::ffff:0.0.0.0]",
        "http://[fe80::1%25eth0]",
        "http://my_host",
        "http://-keys.example",
        "http://keys..example",
        "http://.example",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://1.2.3.4.5",
        "http://300.0.0.1",
        "http://☃.example",
        "http://bü_cher.example",
        "http://ab--ü.example",
        f"http://{'a' * 64}.example",
        f"http://{'a.' * 127}example",
        "http://b%FCcher.example",
        "http://a%2Fb.example",
        "http://*.example",
    ],
)
@pytest.mark.requirement(114)
def test_a_host_that_no_client_can_call_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_PUBLIC_URL: "):
        env.origin("KEYHOUSE_PUBLIC_URL", value)


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("Keys.Example.ORG, keys.example.org.", ["keys.example.org", "keys.example.org"]),
        ("bücher.example,.Straße.example", ["xn--bcher-kva.example", ".xn--strae-oqa.example"]),
        ("[2001:DB8::1],2001:db8:0::2", ["[2001:db8::1]", "[2001:db8::2]"]),
        ("*,.*", ["*", ".*"]),
    ],
)
@pytest.mark.requirement(114)
def test_allowed_hosts_have_one_spelling(
    value: str, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", value)
    assert env.hosts("ALLOWED_HOSTS") == hosts


@pytest.mark.parametrize("text", ["faß.de", "FASS.de", "fass.de", "ẞ.de"])
def test_no_two_domains_of_the_registries_become_one(text: str) -> None:
    spelled = {"faß.de": "xn--fa-hia.de", "ẞ.de": "xn--zca.de"}
    assert ascii_domain(text) == spelled.get(text, "fass.de")


@pytest.mark.parametrize(
    ("sent", "spelled"),
    [
        ("KEYS.example:443", "keys.example"),
        ("keys.example.:444", "keys.example:444"),
        ("[2001:DB8::0:1]", "[2001:db8::1]"),
        ("https://Keys.Example:443", "https://keys.example"),
        ("http://[0:0::1]:80", "http://[::1]"),
        ("null", "null"),
        ("", ""),
        ("keys.example/evil", "keys.example/evil"),
        ("user@keys.example", "user@keys.example"),
        ("keys.example:port", "keys.example:port"),
        ("my_host", "my_host"),
        ("[::1", "[::1"),
        ("ftp://keys.example", "ftp://keys.example"),
    ],
)
@pytest.mark.requirement(114)
def test_a_header_has_one_spelling_and_rubbish_stays_rubbish(sent: str, spelled: str) -> None:
    assert spell_header(sent, "https") == spelled


def test_a_bare_ipv6_address_gets_its_brackets() -> None:
    assert spell_host("::1") == "[::1]"


def exchange(server: tuple[str, int], method: str, path: str, body: str = "", **headers: str) -> Any:
    """Send one request with only these headers, and return the answer with its body."""
    connection = HTTPConnection(*server, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    headers |= {"Content-Length": str(len(body))}
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers.get_all("Set-Cookie") or []


def log_in_as_a_program(server: tuple[str, int], host: str) -> None:
    body = {"username": "admin", "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    path = "/api/v1/auth/login"
    status, text, _ = exchange(
        server, "POST", path, json.dumps(body), Host=host, Content_Type="application/json"
    )
    assert status == 200, text
    bearer = f"Bearer {json.loads(text)['access_token']}"
    status, text, _ = exchange(server, "GET", "/api/v1/auth/me", Host=host, Authorization=bearer)
    assert status == 200, text


def log_in_as_a_browser(server: tuple[str, int], host: str, origin: str) -> None:
    status, page, cookies = exchange(server, "GET", "/admin/login/", Host=host)
    assert status == 200, page
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = urlencode(
        {"csrfmiddlewaretoken": token, "username": "admin", "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    )
    path, kind = "/admin/login/", "application/x-www-form-urlencoded"
    sent = {"Cookie": cookies[0].partition(";")[0], "Content_Type": kind, "Host": host}
    status, page, _ = exchange(server, "POST", path, form, Origin=origin, **sent)
    assert status == 302, page
    assert exchange(server, "POST", path, form, Origin="https://evil.example", **sent)[0] == 403


@pytest.mark.parametrize(
    ("public", "hosts", "origin"),
    [
        (
            "https://Keys.Example.org:443/",
            ["keys.example.org", "KEYS.EXAMPLE.ORG:443", "keys.example.org."],
            "https://keys.example.org",
        ),
        ("https://bücher.example", ["xn--bcher-kva.example"], "https://xn--bcher-kva.example"),
        (
            "http://[2001:DB8:0::1]:8000",
            ["[2001:db8::1]:8000", "[2001:DB8:0:0::1]:8000"],
            "http://[2001:db8::1]:8000",
        ),
    ],
)
@pytest.mark.requirement(114)
def test_logins_and_requests_work_with_every_spelling_of_the_public_address(
    installation: Installation, public: str, hosts: list[str], origin: str
) -> None:
    with installation.serve("--workers", "1", KEYHOUSE_PUBLIC_URL=public) as running:
        server = ("127.0.0.1", running.port)
        for host in hosts:
            log_in_as_a_program(server, host)
            log_in_as_a_browser(server, host, origin)
        _, metadata, _ = exchange(server, "GET", "/.well-known/oauth-authorization-server", Host=hosts[0])
        assert json.loads(metadata)["issuer"] == origin


def test_a_server_at_an_ipv6_address_needs_no_other_setting(installation: Installation) -> None:
    if not socket.has_ipv6:  # of all machines, some containers have none
        pytest.skip("this machine has no IPv6")
    port = free_port()
    command = [sys.executable, str(PROJECT / "manage.py"), "serve", "--workers", "1"]
    with (
        listening() as mailbox,
        serving(
            command,
            port,
            installation.environment | {"KEYHOUSE_BIND": f"[::1]:{port}", "EMAIL_URL": mailbox.url},
        ),
    ):
        server, host = ("::1", port), f"[::1]:{port}"
        log_in_as_a_program(server, host)
        log_in_as_a_browser(server, f"[0:0::1]:{port}", f"http://{host}")
        body = json.dumps({"email": ADMIN["KEYHOUSE_ADMIN_EMAIL"]})
        path = "/api/v1/auth/forgot-password"
        status, _, _ = exchange(server, "POST", path, body, Host=host, Content_Type="application/json")
        assert status == 200
        mailbox.wait_for(mails=1)
        assert f"http://{host}/reset-password?token=" in plain(mailbox.mails[0])
        assert mailbox.mails[0]["From"] == "Keyhouse <keyhouse@localhost>"


@pytest.mark.parametrize("bind", ["0.0.0.0:8203", "[::]:8203", "[::ffff:0.0.0.0]:8203"])
def test_clients_are_never_sent_to_the_wildcard_address(tmp_path: Path, bind: str) -> None:
    read = read_settings(tmp_path, KEYHOUSE_BIND=bind)
    here = "http://localhost:8203"
    assert (read["PUBLIC_URL"], read["RESET_URL"]) == (here, f"{here}/reset-password")
    assert read["MAIL_FROM"] == "keyhouse@localhost"


def test_a_bind_address_that_cannot_be_public_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_settings(tmp_path, KEYHOUSE_BIND="my_host:8000")
    said = str(raised.value)
    assert said.startswith("KEYHOUSE_PUBLIC_URL, from KEYHOUSE_BIND: 'http://my_host:8000' has a host")
    assert said.isprintable()
