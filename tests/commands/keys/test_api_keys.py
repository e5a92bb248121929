"""createapikey and listapikeys."""

from datetime import UTC, datetime, timedelta

import pytest

from apikeys.models import ApiKey
from audit.models import Event
from tests.commands.helpers import CREATED, output_of, refusal_of, run
from tests.conftest import Cast, make_key, with_key

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}


def test_a_key_of_a_person_is_made_and_works(cast: Cast) -> None:
    document = run("createapikey", "--name", "CI", "--user", "alice@example.org", "--scope", "services:read")
    row = ApiKey.objects.get()
    assert list(document) == CREATED
    assert document["id"] == str(row.uuid)
    assert document["key"].startswith(document["key_prefix"])
    assert (document["scopes"], document["expires_at"]) == (["services:read"], None)
    assert with_key(document["key"]).get("/gateway/check", headers=ORIGINAL).status_code == 200


def test_a_key_of_an_organization_is_made_for_another_environment(cast: Cast) -> None:
    document = run("createapikey", "--name", "CI", "--organization", "acme", "--environment", "test")
    assert document["key"].startswith("kh_test_")
    assert ApiKey.objects.get().organization == cast.acme


def test_the_expiry_is_a_time_or_a_length(cast: Cast) -> None:
    at = run("createapikey", "--name", "a", "--user", "bob", "--expires-at", "2999-01-31T01:00:00+01:00")
    assert at["expires_at"] == "2999-01-31T00:00:00Z"
    run("createapikey", "--name", "b", "--user", "bob", "--expires-in", "90d")
    row = ApiKey.objects.get(name="b")
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == timedelta(days=90)


def test_the_key_stands_alone_on_the_first_line_for_people(cast: Cast) -> None:
    first, *others = output_of("createapikey", "--name", "CI", "--user", "bob").splitlines()
    assert with_key(first).get("auth/me").status_code == 200
    assert first not in "".join(others)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--user", "alice", "--scope", "everything"), "scopes: 'everything' is not a scope"),
        (("--user", "bob", "--scope", "users:write"), "users:write would allow more than the key's owner"),
        (("--user", "nobody"), "user: 'nobody' does not exist"),
        (("--user", ""), "user: '' does not exist"),
        (("--organization", "nowhere"), "organization: 'nowhere' does not exist"),
        (("--user", "bob", "--expires-at", "2020-01-01"), "expires_at: must be in the future"),
        (("--user", "bob", "--expires-at", "tomorrow"), "expires-at: 'tomorrow' is not an ISO 8601 time"),
        (("--user", "bob", "--expires-at", "9999-12-31T23:59:59-01:00"), "expires-at: "),
        (("--user", "bob", "--expires-at", ""), "expires-at: "),
        (("--user", "bob", "--expires-in", "90"), "expires-in: '90' must be a number and"),
        (("--user", "bob", "--expires-in", "0d"), "expires-in: "),
        (("--user", "bob", "--expires-in", "99999999w"), "expires-in: 99999999w is too long; at most 36500d"),
        (("--user", "bob", "--expires-in", ""), "expires-in: "),
        (("--user", "bob", "--environment", "moon"), "environment: 'moon' is not an environment"),
        (("--user", "bob", "--name", ""), "name: must not be empty"),
        (("--user", "bob", "--name", "a\x1b[31m"), "name: contains a control character"),
    ],
)
def test_a_refused_key_leaves_nothing_behind(cast: Cast, arguments: tuple[str, ...], reason: str) -> None:
    events = Event.objects.count()
    assert reason in refusal_of("createapikey", "--name", "CI", *arguments)
    assert (ApiKey.objects.count(), Event.objects.count()) == (0, events)


def test_a_key_has_one_owner(cast: Cast) -> None:
    assert "not allowed with" in refusal_of(
        "createapikey", "--name", "CI", "--user", "bob", "--organization", "acme"
    )
    assert "required" in refusal_of("createapikey", "--name", "CI")


def names(*arguments: str) -> list[str]:
    return sorted(document["name"] for document in run("listapikeys", *arguments))


def test_the_list_holds_the_keys_that_nobody_has_revoked(cast: Cast) -> None:
    for owner, name in ((cast.alice, "a"), (cast.bob, "b"), (cast.acme, "c"), (cast.acme, "gone")):
        make_key(owner, name=name)
    ApiKey.objects.filter(name="gone").update(revoked_at=datetime.now(UTC))
    assert names() == ["a", "b", "c"]
    assert names("--user", "bob") == ["b"]
    assert names("--organization", "Acme") == ["c"]


def test_the_list_shows_what_expires_soon_and_what_nobody_uses(cast: Cast) -> None:
    now = datetime.now(UTC)
    make_key(cast.bob, name="soon", expires_at=now + timedelta(days=3))
    make_key(cast.bob, name="later", expires_at=now + timedelta(days=30))
    make_key(cast.bob, name="used")
    make_key(cast.bob, name="idle")
    ApiKey.objects.filter(name__in=("used", "idle")).update(created_at=now - timedelta(days=100))
    ApiKey.objects.filter(name="used").update(last_used_at=now)
    assert names("--expiring-within", "14d") == ["soon"]
    assert names("--unused-for", "90d") == ["idle"]
    assert names("--unused-for", "90d", "--expiring-within", "14d") == []


def test_the_list_says_what_there_is_to_know_and_never_the_key(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read", name="CI")
    (document,) = run("listapikeys")
    assert document == {
        "id": str(key.row.uuid),
        "name": "CI",
        "key_prefix": key.row.key_prefix,
        "owner": "Acme",
        "environment": "live",
        "scopes": ["services:read"],
        "status": "active",
        "allowed_networks": [],
        "rate_limit": None,
        "description": "",
        "metadata": {},
        "expires_at": None,
        "created_at": key.row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "last_used_at": None,
    }
    text = output_of("listapikeys")
    assert "CI" in text and "Acme" in text
    assert key.text not in text


def test_an_empty_list_is_one(db: None) -> None:
    assert run("listapikeys") == []
    assert output_of("listapikeys") == "No API keys.\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--user", "nobody"), "user: 'nobody' does not exist"),
        (("--user", ""), "user: '' does not exist"),
        (("--organization", ""), "organization: '' does not exist"),
        (("--expiring-within", "soon"), "expiring-within: 'soon' must be a number"),
        (("--unused-for", ""), "unused-for: '' must be a number"),
    ],
)
def test_a_list_of_what_is_not_there_is_refused(db: None, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal_of("listapikeys", *arguments)
