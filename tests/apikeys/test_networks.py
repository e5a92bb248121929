"""allowed_networks: the addresses from which a key may be used."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from access.callers import caller_at_command_line
from access.key_limits import Limits, clean_networks, limits_of
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services.api_keys import update_api_key
from apikeys.usage import counting
from audit.models import Event
from config.wire.errors import Invalid
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}


def ask(api: Api, ip: str, forwarded: str = "") -> Any:
    """Ask at the gateway from the address `ip`."""
    headers = ORIGINAL | ({"X-Forwarded-For": forwarded} if forwarded else {})
    return api.get("/gateway/check", headers=headers, REMOTE_ADDR=ip)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_stored_in_one_spelling(written: str, stored: str) -> None:
    assert clean_networks([written, stored, written], Limits()) == [stored]


@pytest.mark.parametrize(
    "text",
    ["", "acme.example", "10.0.0.1/8", "10.0.0.0/33", "300.0.0.1", "10.0.0", "fe80::1%eth0", "::1/129", "1",
     " ", "10.0.0.0/8/8", "10.0.0.0 /8", "\uff11.2.3.4", "010.0.0.1", "*"],
)  # fmt: skip
def test_a_malformed_network_is_named(cast: Cast, text: str) -> None:
    with pytest.raises(Invalid, match="is not a network") as caught:
        clean_networks(["192.0.2.1", text], Limits())
    assert ascii(text) in caught.value.detail
    body = {"name": "CI", "allowed_networks": ["192.0.2.1", text]}
    assert_problem(as_user(cast.alice).post("api-keys", body), 400, "invalid")


@pytest.mark.parametrize("value", [None, "10.0.0.0/8", [1], [None], {"a": "10.0.0.0/8"}, ["10.0.0.0/8"] * 51])
def test_networks_that_are_not_a_list_of_texts_are_refused(cast: Cast, value: Any) -> None:
    key = make_key(cast.alice)
    answer = as_user(cast.alice).patch(f"api-keys/{key.row.uuid}", {"allowed_networks": value})
    assert "allowed_networks" in assert_problem(answer, 400, "invalid")["errors"][0]["member"]
    with pytest.raises(Invalid, match="51 networks; at most 50 are allowed"):
        clean_networks([f"10.0.0.{number}" for number in range(51)], Limits())


@pytest.mark.parametrize(
    ("networks", "ip", "allowed"),
    [
        ([], "203.0.113.9", True),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["192.0.2.7", "2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["::/0"], "192.0.2.7", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["0.0.0.0/0", "::/0"], "", False),
    ],
)
def test_which_addresses_lie_within(networks: list[str], ip: str, allowed: bool) -> None:
    assert (limits_of(networks, None) or Limits()).allow(ip) == allowed


def test_from_elsewhere_a_good_key_is_403_and_the_log_has_it(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read", "keys:read", allowed_networks=["192.0.2.0/24"])
    program = with_key(key)
    assert ask(program, "192.0.2.7").status_code == 200
    assert program.get("api-keys", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert_problem(ask(program, "203.0.113.9"), 403, "network_not_allowed")
    assert_problem(program.get("api-keys", REMOTE_ADDR="203.0.113.9"), 403, "network_not_allowed")
    event = Event.objects.get(name="api_key:refused")
    assert (event.target_id, event.ip) == (str(key.row.uuid), "203.0.113.9")
    assert event.detail == {"reason": "network"}


def test_a_refusal_of_an_organization_s_key_is_for_its_auditors(cast: Cast) -> None:
    ask(with_key(make_key(cast.acme, "services:read", allowed_networks=["192.0.2.7"])), "203.0.113.9")
    assert Event.objects.get(name="api_key:refused").organization_id == cast.acme.pk


def test_a_refused_request_is_not_a_use(cast: Cast) -> None:
    ask(with_key(make_key(cast.alice, "services:read", allowed_networks=["192.0.2.7"])), "203.0.113.9")
    counting.flush()
    assert ApiKey.objects.get().use_count == 0


def test_an_ipv4_address_that_is_written_as_ipv6_is_the_ipv4_one(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "services:read", allowed_networks=["::ffff:192.0.2.0/120"]))
    assert ask(program, "::ffff:192.0.2.7").status_code == ask(program, "192.0.2.7").status_code == 200
    assert ask(program, "::ffff:192.0.3.7").status_code == 403


@pytest.mark.requirement(64)
def test_behind_a_proxy_the_address_is_the_client_s_as_the_trusted_proxy_says(
    cast: Cast, settings: Settings
) -> None:
    program = with_key(make_key(cast.alice, "services:read", allowed_networks=["192.0.2.0/24"]))
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert ask(program, "10.0.0.1", forwarded="192.0.2.7").status_code == 200
    assert ask(program, "10.0.0.1", forwarded="192.0.2.7, 203.0.113.9").status_code == 403
    assert ask(program, "10.0.0.1").status_code == 403
    assert ask(program, "203.0.113.9", forwarded="192.0.2.7").status_code == 403
    assert ask(program, "10.0.0.1", forwarded="192.0.2.7, nonsense").status_code == 403


@pytest.mark.parametrize("forwarded", ["192.0.2.7:51234", '"192.0.2.7"', "[::ffff:192.0.2.7]:443"])
@pytest.mark.requirement(64)
def test_a_hop_is_read_as_proxies_write_it(cast: Cast, settings: Settings, forwarded: str) -> None:
    program = with_key(make_key(cast.alice, "services:read", allowed_networks=["192.0.2.0/24"]))
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert ask(program, "10.0.0.1", forwarded).status_code == 200


@pytest.mark.requirement(64)
def test_an_unreadable_hop_does_not_get_in_as_the_proxy(cast: Cast, settings: Settings) -> None:
    program = with_key(make_key(cast.alice, "services:read", allowed_networks=["10.0.0.0/8"]))
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert ask(program, "10.0.0.1").status_code == 200
    assert_problem(ask(program, "10.0.0.1", "unknown"), 403, "network_not_allowed")
    assert Event.objects.get(name="api_key:refused").ip == ""


def test_the_asker_names_the_address_that_a_key_came_from(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read", allowed_networks=["192.0.2.0/24"])
    ada = as_user(cast.ada)

    def active(**members: str) -> Any:
        return ada.post("/gateway/introspect", {"token": key.text, **members}).json()["active"]

    assert active(client_ip="192.0.2.7") is active(client_ip="::ffff:192.0.2.7") is True
    assert active(client_ip="203.0.113.9") is active() is False
    refused = ada.post("/gateway/introspect", {"token": key.text, "client_ip": "nowhere"})
    assert_problem(refused, 400, "invalid", "client_ip")


def test_networks_are_shown_changed_and_recorded(cast: Cast) -> None:
    alice = as_user(cast.alice)
    made = alice.post("api-keys", {"name": "CI", "allowed_networks": ["192.0.2.7/32"]}).json()
    address = f"api-keys/{made['id']}"
    assert alice.get(address).json()["allowed_networks"] == ["192.0.2.7"]
    changed = alice.patch(address, {"allowed_networks": ["10.0.0.0/8", "::1"]})
    assert (changed.status_code, changed.json()["allowed_networks"]) == (200, ["10.0.0.0/8", "::1"])
    assert changed.json()["name"] == "CI"
    assert alice.patch(address, {"allowed_networks": []}).json()["allowed_networks"] == []
    recorded = Event.objects.filter(name="api_key:changed").order_by("sequence")
    one, two = {"allowed_networks": ["192.0.2.7"]}, {"allowed_networks": ["10.0.0.0/8", "::1"]}
    assert [event.detail for event in recorded] == [{"from": one, "to": two}, {"from": two, "to": {}}]
    assert not Event.objects.filter(name="api_key:renamed").exists()


def test_the_same_limits_again_are_no_change(cast: Cast) -> None:
    key = make_key(cast.alice, name="CI", allowed_networks=["192.0.2.7"])
    before = Event.objects.count()
    changes = ApiKeyChanges(name="CI", allowed_networks=["192.0.2.7/32"], rate_limit=None)
    update_api_key(caller=caller_at_command_line(), key=key.row, changes=changes)
    assert Event.objects.count() == before


@pytest.mark.parametrize("networks", [[], ["0.0.0.0/0"], ["192.0.2.0/23"], ["192.0.2.0/25", "::1"]])
@pytest.mark.requirement(60)
def test_a_key_that_is_bound_to_networks_sets_no_wider_ones(cast: Cast, networks: list[str]) -> None:
    bound = make_key(cast.acme, "keys:write", allowed_networks=["127.0.0.0/8", "192.0.2.0/24"])
    program = with_key(bound)
    for answer in (
        program.post("api-keys", {"name": "child", "allowed_networks": networks}),
        program.patch(f"api-keys/{bound.row.uuid}", {"allowed_networks": networks}),
        program.post(f"api-keys/{make_key(cast.acme, allowed_networks=networks).row.uuid}/rotate"),
    ):
        assert_problem(answer, 400, "invalid", "allowed_networks")
    assert program.post("api-keys", {"name": "child"}).status_code == 400 or not networks
    child = {"name": "child", "allowed_networks": ["192.0.2.128/25"]}
    assert program.post("api-keys", child).status_code == 201
