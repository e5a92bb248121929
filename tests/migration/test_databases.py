"""Keys in real PostgreSQL databases with the tables of Kong and NetBox, read as an operator names them."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from apikeys.at_rest.digests import current_digest
from apikeys.models import ApiKey, KeySource
from config.secrets import netbox
from tests.commands.helpers import refusal_of, run
from tests.conftest import Cast
from tests.installation import fresh_database
from tests.migration.databases import KONG, NETBOX
from tests.migration.using import check, status

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="Kong and NetBox need PostgreSQL")

KONG_KEYS = ("hAq8GrmGQcSIzBnNS1n3iWmDfYOJHhCV", "Zt4wLx9RkPq2VbN7sJmF3yGcD6hTeWuA")
OLD = "9fQ2jX5vT0kLm3nB8cR7yW1zD4hG6sPa0qEuIxYo"
KEY, SECRET = "x7QpL2mZ9aBc", "mV4tK8sYc1Wq6JdR3nHf0ZbXg5LpTu9EoAi7Sv2C"
NEW = f"nbt_{KEY}.{SECRET}"
PEPPERS = {3: "kp7ht*76fiQAhUi5dHfASLlYUE_S^gI^(7J^K5M!LfoH@vl&b_", 4: "a second pepper, " * 3}
BEARER = {"Authorization": f"Bearer {NEW}"}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with fresh_database(tmp_path) as found:
        yield found


def write(url: str, *statements: str) -> None:
    with psycopg.connect(url) as database:
        for statement in statements:
            database.execute(statement.encode())


@pytest.mark.requirement(140)
def test_the_keys_of_a_kong_are_read_from_its_database(cast: Cast, url: str, scopes: str) -> None:
    people = "(gen_random_uuid(), 'alice', NULL), (gen_random_uuid(), NULL, 'bob')"
    keys = (
        f"(gen_random_uuid(), (SELECT id FROM consumers WHERE username = 'alice'), '{KONG_KEYS[0]}', NULL), "
        f"(gen_random_uuid(), (SELECT id FROM consumers WHERE custom_id = 'bob'), '{KONG_KEYS[1]}', "
        "now() + interval '1 day')"
    )
    write(
        url,
        KONG,
        f"INSERT INTO consumers (id, username, custom_id) VALUES {people}",
        f"INSERT INTO keyauth_credentials (id, consumer_id, key, ttl) VALUES {keys}",
    )
    assert run("importkeys", "--from", "kong", url, "--scopes", scopes)["imported"] == 2
    assert [status({"apikey": key}) for key in KONG_KEYS] == [200, 200]
    first, second = ApiKey.objects.order_by("pk")
    assert (first.owner, first.expires_at) == (cast.alice, None)
    assert second.owner == cast.bob and second.expires_at is not None
    write(url, f"DELETE FROM keyauth_credentials WHERE key = '{KONG_KEYS[0]}'")
    assert run("importkeys", "--from", "kong", url, "--scopes", scopes)["revoked"] == 1
    assert [status({"apikey": key}) for key in KONG_KEYS] == [401, 200]


@pytest.fixture
def peppered(settings: Settings) -> None:
    settings.NETBOX_PEPPERS = netbox.peppers("KEYHOUSE_NETBOX_PEPPERS", json.dumps(PEPPERS))


@pytest.fixture
def netbox_url(url: str) -> str:
    """A NetBox with a token of version 1 of alice and one of version 2 of bob."""
    # users/models/tokens.py, update_digest: hmac.new(pepper, token, sha256).hexdigest() without KEY
    digest = hmac.new(PEPPERS[3].encode(), SECRET.encode(), hashlib.sha256).hexdigest()
    person = (
        "INSERT INTO users_user (password, is_superuser, username, first_name, last_name, email, is_active, "
    )
    token = "INSERT INTO users_token (created, user_id, write_enabled, description, enabled, version, "
    write(
        url,
        NETBOX,
        f"{person} date_joined) VALUES ('', false, 'alice', '', '', 'alice@example.org', true, now()), "
        "('', false, 'bob', '', '', 'bob@example.org', true, now())",
        f"{token} plaintext) VALUES (now(), 1, true, 'Old', true, 1, '{OLD}')",
        f"{token} key, pepper_id, hmac_digest, allowed_ips) VALUES "
        f"(now(), 2, false, 'New', true, 2, '{KEY}', 3, '{digest}', '{{127.0.0.0/8,192.0.2.0/24}}')",
    )
    return url


@pytest.fixture
def read_and_write(tmp_path: Path) -> str:
    path = tmp_path / "netbox.toml"
    path.write_text('[scopes]\nread = ["services:read"]\nwrite = ["services:read", "services:write"]\n')
    return str(path)


@pytest.mark.requirement(140)
def test_the_tokens_of_both_versions_of_a_netbox_are_read_from_its_database(
    cast: Cast, netbox_url: str, read_and_write: str, peppered: None
) -> None:
    report = run("importkeys", "--from", "netbox", netbox_url, "--scopes", read_and_write)
    assert (report["read"], report["imported"], report["faulty"]) == (2, 2, 0)
    assert set(KeySource.objects.values_list("name", "kind", "place")) == {
        ("netbox", "netbox1", "token"),
        ("netbox-2", "netbox2", "bearer"),
    }
    assert check({"Authorization": f"Token {OLD}"}).headers["X-Auth-Scopes"] == "services:read services:write"
    answer = check(BEARER)
    assert (answer.status_code, answer.headers["X-Auth-Scopes"]) == (200, "services:read")
    new = ApiKey.objects.get(digest=current_digest(NEW).digest)
    assert (new.owner, new.name, new.key_prefix) == (cast.bob, "New", f"nbt_{KEY[:4]}")
    assert new.allowed_networks == ["127.0.0.0/8", "192.0.2.0/24"] and new.unused_until is None
    again = run("importkeys", "--from", "netbox", netbox_url, "--scopes", read_and_write)
    assert (again["imported"], again["already_here"], again["revoked"]) == (0, 2, 0)
    write(netbox_url, "DELETE FROM users_token WHERE version = 2")
    assert run("importkeys", "--from", "netbox", netbox_url, "--scopes", read_and_write)["revoked"] == 1
    assert status(BEARER) == 401 and status({"Authorization": f"Token {OLD}"}) == 200


@pytest.mark.requirement(141)
def test_a_used_netbox_token_needs_its_pepper_no_more(
    cast: Cast, netbox_url: str, read_and_write: str, peppered: None, settings: Settings
) -> None:
    run("importkeys", "--from", "netbox", netbox_url, "--scopes", read_and_write)
    assert status(BEARER) == 200
    settings.NETBOX_PEPPERS = {}
    assert status(BEARER) == 200


@pytest.mark.requirement(141)
def test_a_netbox_token_counts_only_with_its_own_key_and_pepper(
    cast: Cast, netbox_url: str, read_and_write: str, peppered: None, settings: Settings
) -> None:
    run("importkeys", "--from", "netbox", netbox_url, "--scopes", read_and_write)
    for text in (f"nbt_{KEY[::-1]}.{SECRET}", f"nbt_{KEY}.{SECRET[::-1]}", SECRET, f"{KEY}.{SECRET}"):
        assert status({"Authorization": f"Bearer {text}"}) == 401, text
    assert status({"Authorization": f"Token {NEW}"}) == 401
    settings.NETBOX_PEPPERS = {4: PEPPERS[4].encode()}
    assert status(BEARER) == 401


def test_a_token_whose_pepper_is_unknown_is_refused_with_its_number(
    cast: Cast, netbox_url: str, read_and_write: str
) -> None:
    refusal = refusal_of("importkeys", "--from", "netbox", netbox_url, "--scopes", read_and_write)
    assert "pepper 3, which KEYHOUSE_NETBOX_PEPPERS does not have" in refusal
    assert not ApiKey.objects.exists()
    only_old = ("--version-of-keys", "1", "--scopes", read_and_write)
    assert run("importkeys", "--from", "netbox", netbox_url, *only_old)["imported"] == 1
