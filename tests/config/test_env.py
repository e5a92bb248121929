"""Environment variables come from NAME or the file NAME_FILE. Errors say what is wrong."""

from pathlib import Path

import pytest

from config import env
from config.backends import cache_config, email_config, mail_sender, valkey_url
from config.env import ConfigurationError
from config.variables import VARIABLES

pytestmark = pytest.mark.once

SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_a_variable_that_is_not_set_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.text("KEYHOUSE_PROFILE") == "keyhouse"
    monkeypatch.setenv("KEYHOUSE_PROFILE", "")
    monkeypatch.setenv("KEYHOUSE_PROFILE_FILE", "")
    assert env.text("KEYHOUSE_PROFILE") == "keyhouse"


def test_a_variable_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "clé ")
    assert env.text("SECRET_KEY") == "clé "


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_can_come_from_a_file(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "value").write_text("from a file é\n")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "value"))
    assert env.text(name) == "from a file é"


def test_a_variable_and_its_file_at_once_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("b")
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "value"))
    with pytest.raises(ConfigurationError, match="SECRET_KEY and SECRET_KEY_FILE are both set") as raised:
        env.text("SECRET_KEY")
    assert SECRET not in str(raised.value)


def test_a_file_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "empty").write_text(" \n")
    for name, reason in (
        ("none", "No such file or directory"),
        (".", "Is a directory"),
        ("binary", "it is not UTF-8 text"),
        ("empty", "is empty"),
    ):
        monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / name))
        with pytest.raises(ConfigurationError, match=f"^DATABASE_URL_FILE: .*{reason}$"):
            env.text("DATABASE_URL")


def test_a_value_that_is_not_utf_8_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "\udcff" * 50)
    with pytest.raises(ConfigurationError, match=r"^SECRET_KEY: must be UTF-8 text$"):
        env.text("SECRET_KEY")


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("true", True), ("1", True), ("Yes", True), ("ON", True), ("false", False), ("0", False), ("", False)],
)
def test_a_flag_is_yes_or_no(value: str, meaning: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", value)
    assert env.flag("DEBUG") is meaning


@pytest.mark.parametrize("value", ["maybe", "2", " "])
def test_another_flag_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", value)
    with pytest.raises(ConfigurationError, match=r"^DEBUG: .* must be true or false$"):
        env.flag("DEBUG")


def test_items_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", " a.example ,,b.example,")
    assert env.items("ALLOWED_HOSTS") == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_an_address_is_host_and_port(value: str, address: tuple[str, int]) -> None:
    assert env.parse_address("KEYHOUSE_BIND", value) == address


@pytest.mark.parametrize(
    "value",
    [
        *("8000", ":8000", "host", "host:", "host:x", "host:65536", "host:-1", "h:٨", "h:" + "9" * 9999),
        *(
            "::1:8000",
            "my host:80",
            "http://host:80",
            "[host]:80",
            "[]:80",
            "host:80\n",
            "a/b:80",
            "user@host:80",
        ),
    ],
)
def test_another_address_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_BIND: .* must be HOST:PORT"):
        env.parse_address("KEYHOUSE_BIND", value)


def test_an_address_needs_a_port_other_than_0() -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_BIND: .* must have a port from 1 to 65535$"):
        env.parse_address("KEYHOUSE_BIND", "127.0.0.1:0")


@pytest.mark.parametrize(
    "value",
    ["http://127.0.0.1:8000", "https://keys.example.org", "http://[::1]:8080"],
)
def test_a_public_address_loses_only_its_last_slash(value: str) -> None:
    assert env.origin("KEYHOUSE_PUBLIC_URL", f"{value}/") == value


@pytest.mark.parametrize(
    "value",
    [
        "keys.example.org",
        "ftp://keys.example.org",
        "https://",
        "https:///path",
        "http://[::1",
        "http://host:port",
        "http://host:99999",
        "https://user:secret@host",
        "https://host/?query",
        "https://host/#part",
        "https://ho st",
        "https://host\n",
    ],
)
def test_another_public_address_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_PUBLIC_URL: .* must be an http"):
        env.origin("KEYHOUSE_PUBLIC_URL", value)


@pytest.mark.parametrize("value", ["https://example.org/keys", "https://example.org//"])
def test_a_public_address_has_no_path_and_a_page_may_have_one(value: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^KEYHOUSE_PUBLIC_URL: .* has a path; give https://example.org$"
    ):
        env.origin("KEYHOUSE_PUBLIC_URL", value)
    assert env.page("KEYHOUSE_RESET_URL", value) == value.rstrip("/")


def test_a_page_with_a_fragment_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigurationError, match=r"without \?, #, @ or spaces$"):
        env.page("KEYHOUSE_RESET_URL", "https://app.example.org/#/reset")


def test_hosts_are_names_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example.org, .example.org,[::1],192.0.2.1")
    assert env.hosts("ALLOWED_HOSTS") == ["a.example.org", ".example.org", "[::1]", "192.0.2.1"]


@pytest.mark.parametrize("value", ["https://a.example.org", "a.example.org/keys", "a.example.org:443", "a b"])
def test_a_malformed_host_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", f"b.example.org,{value}")
    with pytest.raises(ConfigurationError, match=r"^ALLOWED_HOSTS: .* is not a host: write a.example.org,"):
        env.hosts("ALLOWED_HOSTS")


@pytest.mark.parametrize(
    "scheme", ["rediscache", "dummycache", "memcache", "filecache", "dbcache", "uwsgicache"]
)
def test_a_cache_that_cannot_count_is_refused(scheme: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^CACHE_URL: must be locmemcache:// or redis://"):
        cache_config(f"{scheme}://127.0.0.1:6379/1")


@pytest.mark.parametrize("url", ["nonsense", "foo://x", "redis://[", f"foo://user:{SECRET}@host"])
def test_a_wrong_cache_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^CACHE_URL: must be") as raised:
        cache_config(url)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["redis://host:port", f"redis://u:{SECRET}@h:6379,g:6379/0", "valkey://host:6379"]
)
def test_a_wrong_valkey_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^CACHE_URL: ") as raised:
        valkey_url(url)
    assert SECRET not in str(raised.value)


def test_attempts_are_counted_in_valkey_only_if_that_is_the_cache() -> None:
    assert valkey_url("redis://user:word@host:6379/1") == "redis://user:word@host:6379/1"
    assert valkey_url("rediss://host/") == "rediss://host/"
    assert valkey_url("locmemcache://") == ""


@pytest.mark.parametrize(
    "url",
    [
        *("nonsense", "foo://x", "smtp://[", f"smtp://user:{SECRET}/x@host:25", "smtp://h:0x1"),
        *("memorymail://", "smtp://", "smtps://:465", f"smtp://{SECRET}/x@host", f"smtp://{SECRET}?x@host"),
        *(f"smtp://{SECRET}#x@host", "smtp://host?timeout=5", "smtp://host?EMAIL_USE_TLS=False"),
        *("smtp+tls://host/folder", "filemail://", "filemail:///", "filemail://var/mail"),
        *("smtp://b\u00fc_cher.example", "submission://host", "smtp+starttls://host"),
    ],
)
def test_a_wrong_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^EMAIL_URL: must be") as raised:
        email_config(url)
    assert SECRET not in str(raised.value)


def test_good_backends_are_taken() -> None:
    assert cache_config("redis://user:word@host:6379/1")["LOCATION"] == "redis://user:word@host:6379/1"
    assert email_config("smtp+tls://user:word@host:587")["EMAIL_USE_TLS"] is True
    assert email_config("SMTPS://host") == email_config("smtp+ssl://host") | {"EMAIL_USE_TLS": False}
    assert email_config("smtp://mail.stra\u00dfe.example")["EMAIL_HOST"] == "mail.xn--strae-oqa.example"
    assert email_config("smtp://my_mail:25")["EMAIL_HOST"] == "my_mail"


def test_mails_go_to_the_folder_that_is_named() -> None:
    assert email_config("filemail:///var/mail%20box")["EMAIL_FILE_PATH"] == "/var/mail box"


def test_mails_come_from_the_address_that_is_named_or_from_the_public_host() -> None:
    assert mail_sender("robot@example.org", "keys.example.org") == "robot@example.org"
    assert mail_sender("", "keys.example.org") == "keyhouse@keys.example.org"
    for host in ("127.0.0.1", "[::1]", "keyhouse", "localhost"):
        assert mail_sender("", host) == "keyhouse@localhost"


@pytest.mark.parametrize(
    "text", ["nobody", "a@b@c", "Robot <robot@example.org>", "a@example.org\nBcc: b@c.de"]
)
def test_another_sender_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYHOUSE_MAIL_FROM: .* must be an e-mail address$"):
        mail_sender(text, "host")
