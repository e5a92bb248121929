"""rotateapikey, and the limits that createapikey sets."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.key_limits import Rate
from apikeys.models import ApiKey
from audit.models import Event
from tests.commands.helpers import CREATED, output_of, refusal_of, run
from tests.conftest import Cast, make_key, with_key


def works(text: str) -> bool:
    return bool(with_key(text).get("auth/me").status_code == 200)


@pytest.mark.requirement(66)
def test_a_key_is_rotated_and_the_old_one_is_dead(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read", name="CI")
    document = run("rotateapikey", str(key.row.uuid))
    assert list(document) == [*CREATED, "predecessor_ends_at"]
    assert (document["name"], document["scopes"]) == ("CI", ["services:read"])
    assert works(document["key"]) and not works(key.text)
    assert Event.objects.get(name="api_key:rotated").actor_kind == "operator"


@pytest.mark.requirement(66)
def test_with_an_overlap_both_are_good(cast: Cast) -> None:
    key = make_key(cast.bob)
    document = run("rotateapikey", str(key.row.uuid), "--overlap", "24h", "--expires-in", "90d")
    assert works(document["key"]) and works(key.text)
    old, new = ApiKey.objects.order_by("pk")
    assert old.expires_at is not None and new.expires_at is not None
    assert old.expires_at - new.created_at == timedelta(days=1)
    assert new.expires_at - new.created_at == timedelta(days=90)


def test_the_new_key_lives_as_long_as_the_old_one_if_nothing_is_said(cast: Cast) -> None:
    expires_at = timezone.now() + timedelta(days=30)
    key = make_key(cast.bob, expires_at=expires_at)
    run("rotateapikey", str(key.row.uuid))
    assert ApiKey.objects.unrevoked().get().expires_at == expires_at


def test_the_new_key_stands_alone_on_the_first_line_for_people(cast: Cast) -> None:
    key = make_key(cast.bob)
    first, *others = output_of("rotateapikey", str(key.row.uuid), "--overlap", "1h").splitlines()
    assert works(first)
    assert first not in "".join(others) and "The old key ends at 20" in "".join(others)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--overlap", "8d"), "overlap: must be at most 7d"),
        (("--overlap", ""), "overlap: '' must be a number and"),
        (("--overlap", "soon"), "overlap: 'soon' must be a number and"),
        (("--expires-at", "2020-01-01"), "expires_at: must be in the future"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_rotated(
    cast: Cast, arguments: tuple[str, ...], reason: str
) -> None:
    key = make_key(cast.bob)
    assert reason in refusal_of("rotateapikey", str(key.row.uuid), *arguments)
    assert works(key.text) and ApiKey.objects.count() == 1


def test_a_key_is_rotated_once_and_named_by_its_id(cast: Cast) -> None:
    key = make_key(cast.bob)
    run("rotateapikey", str(key.row.uuid))
    assert "is revoked" in refusal_of("rotateapikey", str(key.row.uuid))
    assert "no API key has the id nonsense" in refusal_of("rotateapikey", "nonsense")
    refused = refusal_of("rotateapikey", key.text)
    assert "is an API key, not an id" in refused and key.text not in refused


def test_a_key_is_made_with_limits(cast: Cast) -> None:
    networks = ("--allowed-network", "10.0.0.0/8", "--allowed-network", "::1/128")
    run("createapikey", "--name", "CI", "--user", "bob", *networks, "--rate-limit", "5000/1h")
    row = ApiKey.objects.get()
    assert (row.allowed_networks, row.rate_limit) == (["10.0.0.0/8", "::1"], Rate(5000, 3600))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--allowed-network", "10.0.0.1/8"), "allowed_networks: '10.0.0.1/8' is not a network"),
        (("--rate-limit", "100"), "rate-limit: '100' must be a number of requests and a duration"),
        (("--rate-limit", "0/60s"), "rate-limit: '0/60s' must be a number"),
        (("--rate-limit", "100/60"), "rate-limit: '60' must be a number and s, m, h, d or w"),
        (("--rate-limit", ""), "rate-limit: '' must be a number"),
        (("--rate-limit", "100/2d"), "rate_limit: must be 1 to 1000000 requests in 1 to 86400 seconds"),
    ],
)
def test_limits_that_are_none_are_refused(cast: Cast, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal_of("createapikey", "--name", "CI", "--user", "bob", *arguments)
    assert not ApiKey.objects.exists()


def test_the_list_says_which_keys_are_disabled(cast: Cast) -> None:
    make_key(cast.bob)
    ApiKey.objects.update(disabled_at=timezone.now())
    assert [document["status"] for document in run("listapikeys")] == ["disabled"]
