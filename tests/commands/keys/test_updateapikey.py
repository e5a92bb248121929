"""updateapikey: a new name, and limits that apply to the next request."""

import pytest

from access.key_limits import Rate
from apikeys.models import ApiKey
from audit.models import Event
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast, make_key, with_key


def test_limits_hold_from_the_next_request_on_and_can_be_taken_away(cast: Cast) -> None:
    key = make_key(cast.bob)
    document = run(
        "updateapikey", str(key.row.uuid), "--allowed-network", "192.0.2.0/24", "--rate-limit", "5/1h"
    )
    assert (document["allowed_networks"], document["rate_limit"]) == (["192.0.2.0/24"], "5/3600s")
    assert with_key(key.text).get("auth/me").status_code == 403
    document = run("updateapikey", str(key.row.uuid), "--any-network", "--no-rate-limit")
    assert (document["allowed_networks"], document["rate_limit"]) == ([], None)
    assert with_key(key.text).get("auth/me").status_code == 200
    changes = Event.objects.filter(name="api_key:changed", actor_kind="operator")
    assert changes.count() == 2


def test_what_is_not_named_stays_as_it_is(cast: Cast) -> None:
    key = make_key(cast.bob, rate_limit=Rate(5, 3600))
    assert output_of("updateapikey", str(key.row.uuid), "--name", "Nightly").startswith(
        "Nightly: usable from "
    )
    row = ApiKey.objects.get()
    assert (row.name, row.rate_limit, row.allowed_networks) == ("Nightly", Rate(5, 3600), [])


def test_notes_are_set_changed_and_removed(cast: Cast) -> None:
    made = run(
        *("createapikey", "--name", "CI", "--user", "bob", "--description", "Nightly\nexport"),
        *("--metadata", "team=ops", "--metadata", "query=a=b"),
    )
    (listed,) = run("listapikeys")
    assert (listed["description"], listed["metadata"]) == ("Nightly\nexport", {"team": "ops", "query": "a=b"})
    changed = run("updateapikey", made["id"], "--metadata", "team=storage", "--remove-metadata", "query")
    assert (changed["description"], changed["metadata"]) == ("Nightly\nexport", {"team": "storage"})
    assert run("updateapikey", made["id"], "--description", "")["description"] == ""
    row = ApiKey.objects.get()
    assert (row.description, row.metadata) == ("", {"team": "storage"})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "name: is required, unless you send another member"),
        (("--any-network", "--allowed-network", "10.0.0.0/8"), "not allowed with argument"),
        (("--no-rate-limit", "--rate-limit", "5/1h"), "not allowed with argument"),
        (("--allowed-network", "10.0.0.1/8"), "allowed_networks: '10.0.0.1/8' is not a network"),
        (("--rate-limit", ""), "rate-limit: '' must be a number"),
        (("--rate-limit", "5/999999999w"), "rate-limit: 999999999w is too long; at most 36500d"),
        (("--rate-limit", f"5/{'9' * 5000}s"), f"rate-limit: {'9' * 100} is too long; at most 36500d"),
        (("--rate-limit", f"{'9' * 5000}/5s"), "must be 1 to 1000000 requests"),
        (("--name", ""), "name: "),
        (("--description", "x" * 501), "description: must have at most 500 characters, and has 501"),
        (("--metadata", "team"), "metadata: 'team' must be NAME=VALUE"),
        (("--metadata", "a=1", "--metadata", "a=2"), "metadata: 'a' is repeated; name it once"),
        (("--metadata", f"{'x' * 41}=1"), "must have at most 40 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    cast: Cast, arguments: tuple[str, ...], reason: str
) -> None:
    key = make_key(cast.bob, name="CI")
    assert reason in refusal_of("updateapikey", str(key.row.uuid), *arguments)
    row = ApiKey.objects.get()
    assert (row.name, row.rate_limit, row.allowed_networks) == ("CI", None, [])
    assert "is an API key, not an id" in refusal_of("updateapikey", key.text, "--name", "x")
