"""Keys of every system work through the gateway and at our endpoints, in the header of their clients."""

import base64
import hashlib
from pathlib import Path

import pytest

from apikeys.at_rest.digests import current_digest
from apikeys.models import ApiKey
from tests.commands.helpers import refusal_of, run
from tests.conftest import Api, Cast, assert_problem
from tests.migration.systems import System, minted
from tests.migration.using import ASKED, check, status

KNOX_4, KNOX_5 = "django-rest-knox-4.2.0", "django-rest-knox-5.0.2"
API_KEY_2, API_KEY_3 = "djangorestframework-api-key-2.3.0", "djangorestframework-api-key-3.1.0"


def assert_works(headers: dict[str, str], text: str, owner: str) -> None:
    """Assert that a key works as it is, and is stored under our own digest once it was used."""
    answer = check(headers)
    assert answer.status_code == 200, answer.content
    assert answer.headers["X-Auth-Scopes"] == "services:read"
    assert Api(headers).get("auth/me").status_code == (404 if owner == "Acme" else 200)  # of people alone
    row = ApiKey.objects.get(digest=current_digest(text).digest)
    assert (str(row.owner), row.unused_until) == (owner, None)
    assert status(headers) == 200


@pytest.mark.parametrize(
    ("package", "system", "version"),
    [
        ("djangorestframework-3.18.3", "drf-authtoken", ()),
        (KNOX_4, "knox", ("--version-of-keys", "4")),
        (KNOX_5, "knox", ()),
    ],
)
@pytest.mark.requirement(140)
def test_a_token_that_a_package_minted_works_unchanged(
    cast: Cast, tmp_path: Path, scopes: str, package: str, system: str, version: tuple[str, ...]
) -> None:
    source = minted(package, tmp_path)
    assert [status(headers) for headers in source.headers] == [401, 401]
    report = run("importkeys", "--from", system, source.url, "--scopes", scopes, *version)
    assert (report["read"], report["imported"], report["faulty"]) == (2, 2, 0)
    for headers, text, owner in zip(source.headers, source.texts, ("alice", "bob"), strict=True):
        assert_works(headers, text, owner)


@pytest.mark.requirement(140)
def test_a_key_of_djangorestframework_api_key_3_works_unchanged(
    cast: Cast, tmp_path: Path, scopes: str
) -> None:
    source = minted(API_KEY_3, tmp_path)
    options = ("--organization", "Acme", "--scopes", scopes)
    run("importkeys", "--from", "drf-api-key", source.url, *options)
    for headers, text in zip(source.headers, source.texts, strict=True):
        assert_works(headers, text, "Acme")
    assert sorted(ApiKey.objects.values_list("name", flat=True)) == ["alice", "bob"]


def test_a_password_hash_of_djangorestframework_api_key_2_is_refused(cast: Cast, tmp_path: Path) -> None:
    source = minted(API_KEY_2, tmp_path)
    refusal = refusal_of("importkeys", "--from", "drf-api-key", source.url, "--organization", "Acme")
    assert refusal.startswith("row 1: digest must begin with sha512$$")
    assert not ApiKey.objects.exists()


def imported_file(tmp_path: Path, system: str, text: str, *options: str) -> None:
    path = tmp_path / "keys.csv"
    path.write_text(text)
    assert run("importkeys", "--from", system, str(path), *options)["imported"] == 1


KONG = "hAq8GrmGQcSIzBnNS1n3iWmDfYOJHhCV"
NETBOX = "9fQ2jX5vT0kLm3nB8cR7yW1zD4hG6sPa0qEuIxYo"
UNKEY = "prod_3ZcXwL7hGmVfKq2NnT9sBdRy"


@pytest.mark.requirement(140)
def test_a_key_of_kong_works_in_the_header_apikey(cast: Cast, tmp_path: Path, scopes: str) -> None:
    """kong/plugins/key-auth/daos.lua at 22246ef28c: `key` is stored as it is; schema.lua: apikey."""
    imported_file(tmp_path, "kong", f"key,owner\n{KONG},alice\n", "--scopes", scopes)
    assert_works({"apikey": KONG}, KONG, "alice")
    in_query = Api().get("/gateway/check", headers=ASKED | {"X-Original-URI": f"/stock?apikey={KONG}"})
    assert_problem(in_query, 401, "not_authenticated")
    assert_problem(Api().get(f"auth/me?apikey={KONG}"), 400)


@pytest.mark.requirement(140)
def test_a_key_of_unkey_works_after_bearer(cast: Cast, tmp_path: Path, scopes: str) -> None:
    """pkg/hash/sha256.go at fc99b6b925: base64.StdEncoding of SHA-256 of the key."""
    digest = base64.b64encode(hashlib.sha256(UNKEY.encode()).digest()).decode()
    imported_file(tmp_path, "unkey", f"digest,organization\n{digest},Acme\n", "--scopes", scopes)
    assert_works({"Authorization": f"Bearer {UNKEY}"}, UNKEY, "Acme")


@pytest.mark.requirement(140)
def test_a_token_of_netbox_1_works_after_token(cast: Cast, tmp_path: Path, scopes: str) -> None:
    """netbox/users/models/tokens.py at 43fe81f9e: version 1 stores `plaintext`, 40 letters and digits."""
    imported_file(tmp_path, "netbox", f"key,owner\n{NETBOX},bob\n", "--scopes", scopes)
    assert_works({"Authorization": f"Token {NETBOX}"}, NETBOX, "bob")


@pytest.mark.parametrize("version", ["sha256", "sha512"])
def test_a_file_may_have_digests(cast: Cast, tmp_path: Path, scopes: str, version: str) -> None:
    digest = hashlib.new(version, UNKEY.encode()).hexdigest()
    options = ("--version-of-keys", version, "--header", "X-API-Key", "--scopes", scopes)
    imported_file(tmp_path, "csv", f"digest,owner\n{digest},bob\n", *options)
    assert_works({"X-API-Key": UNKEY}, UNKEY, "bob")


@pytest.mark.requirement(141)
def test_a_key_counts_only_in_its_own_header_and_form(cast: Cast, drf: System, scopes: str) -> None:
    run("importkeys", "--from", "drf-authtoken", drf.url, "--scopes", scopes)
    key = drf.texts[0]
    assert status(drf.headers[0]) == 200
    assert status({"Authorization": f"token {key}"}) == 200
    others = ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"apikey": key})
    upper = {"Authorization": f"Token {key.upper()}"}
    for headers in (*others, {"Authorization": f"Api-Key {key}"}, upper, {"Authorization": f"Token {key}0"}):
        assert status(headers) == 401, headers


@pytest.mark.requirement(141)
def test_a_leaked_digest_is_no_key(cast: Cast, tmp_path: Path, scopes: str) -> None:
    """Neither the other system's database nor ours holds anything that works as a key."""
    source = minted(KNOX_5, tmp_path)
    run("importkeys", "--from", "knox", source.url, "--scopes", scopes)
    leaked = hashlib.sha512(source.texts[0].encode()).hexdigest()
    stored = [bytes(row.digest).hex() for row in ApiKey.objects.all()]
    for text in (leaked, leaked[:64], *stored):
        assert status({"Authorization": f"Token {text}"}) == 401
    assert status(source.headers[0]) == 200
