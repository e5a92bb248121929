"""rate_limit: how often a key may be used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.callers import caller_at_command_line
from access.key_limits import LONGEST_WINDOW, MOST_REQUESTS, Limits, Rate
from access.principals import Credential, Principal
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from apikeys.services.rotation import rotate_api_key
from apikeys.usage import rates
from audit.actors import Origin
from audit.models import Event
from config.wire.errors import RateLimited
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
NOW = timezone.now()
THREE = Rate(3, 60)


def ask(api: Api) -> Any:
    return api.get("/gateway/check", headers=ORIGINAL)


def limited(name: str = "1", rate: Rate = THREE) -> Principal:
    """The principal of a key with a rate limit."""
    return Principal("", "", Credential("key", name, limits=Limits((), rate), counted_as=name))


def rotated(key: ApiKey) -> NewKey:
    """The successor of a key that still works."""
    return rotate_api_key(
        caller=caller_at_command_line(), key=key, expires_at=None, overlap=timedelta(days=1)
    )


def spend(principal: Principal, *, after: float = 0) -> rates.Allowance | None:
    return rates.count(principal, Origin("", "", NOW + timedelta(seconds=after)))


@pytest.fixture(params=["in this process", "in Valkey"])
def counting(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Both places where requests are counted."""
    settings.VALKEY_URL = request.getfixturevalue("valkey") if request.param == "in Valkey" else ""


def test_a_limited_key_is_told_what_is_left_and_then_when_to_come_again(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "services:read", rate_limit=Rate(2, 60)))
    for left in (1, 0):
        answer = ask(program)
        assert answer.status_code == 200 and answer.headers["X-Auth-Scopes"] == "services:read"
        assert answer.headers["RateLimit-Policy"] == '"key";q=2;w=60'
        assert answer.headers["RateLimit"].startswith(f'"key";r={left};t=')
    refused = ask(program)
    assert_problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit"] == f'"key";r=0;t={refused.headers["Retry-After"]}'
    assert refused.headers["RateLimit-Policy"] == '"key";q=2;w=60'


def test_a_refusal_is_recorded_once(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read", rate_limit=Rate(1, 60))
    statuses = [ask(with_key(key)).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 429]
    event = Event.objects.get(name="api_key:refused")
    assert (event.target_id, event.detail) == (str(key.row.uuid), {"reason": "rate limit"})


def test_our_own_endpoints_count_too(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "keys:read", rate_limit=Rate(2, 60)))
    answers = [program.get("api-keys") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_problem(answers[2], 429, "rate_limited")
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(answers[2].headers)


def test_a_key_without_a_limit_gets_no_such_headers(cast: Cast) -> None:
    bound = make_key(cast.alice, "services:read", allowed_networks=["127.0.0.1"])
    for api in (with_key(make_key(cast.alice, "services:read")), with_key(bound), as_user(cast.alice)):
        answer = ask(api)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_at_the_gateway_what_is_let_through_counts(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "services:read", rate_limit=Rate(1, 60)))
    for _ in range(3):
        assert program.get("/gateway/check", headers=ORIGINAL | {"X-Original-URI": "/no"}).status_code == 403
    assert ask(program).status_code == 200


def test_a_window_begins_with_its_first_request_and_refusals_do_not_make_it_longer(
    counting: None, db: None
) -> None:
    principal = limited()
    assert [quota and quota[1:] for quota in (spend(principal), spend(principal, after=10))] == [
        (2, 60),
        (1, 50),
    ]
    spend(principal, after=20)
    with pytest.raises(RateLimited) as caught:
        spend(principal, after=59)
    assert caught.value.retry_after == 1
    assert spend(principal, after=60) == (Rate(3, 60), 2, 60)


def test_a_window_that_began_while_the_clock_was_wrong_is_begun_anew(settings: Settings, db: None) -> None:
    settings.VALKEY_URL = ""
    for _ in range(3):
        spend(limited(), after=3600)
    assert spend(limited()) == (Rate(3, 60), 2, 60)


def test_a_request_that_took_its_time_begins_no_window_anew(settings: Settings, db: None) -> None:
    """The time of a request is its beginning, which may be before that of the window."""
    settings.VALKEY_URL = ""
    for _ in range(3):
        spend(limited(), after=20)
    with pytest.raises(RateLimited):
        spend(limited())


def test_keys_have_windows_of_their_own_and_so_has_another_rate(counting: None) -> None:
    for _ in range(3):
        spend(limited("1"))
    assert spend(limited("2")) == (Rate(3, 60), 2, 60)
    assert spend(limited("1", Rate(3, 61))) == (Rate(3, 61), 2, 61)


def test_a_key_and_its_successors_share_one_count(counting: None, cast: Cast) -> None:
    first = make_key(cast.alice, "services:read", rate_limit=Rate(3, 60))
    assert ask(with_key(first)).headers["RateLimit"].startswith('"key";r=2;')
    second = rotated(first.row)
    assert ask(with_key(second)).headers["RateLimit"].startswith('"key";r=1;')
    third = rotated(second.row)
    statuses = [ask(with_key(key)).status_code for key in (third, first, second, third)]
    assert statuses == [200, 429, 429, 429]


def test_without_a_rotation_keys_of_one_owner_count_alone(counting: None, cast: Cast) -> None:
    keys = [make_key(cast.alice, "services:read", rate_limit=Rate(1, 60)) for _ in range(2)]
    assert [ask(with_key(key)).status_code for key in keys] == [200, 200]


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_once_exactly_as_many_as_allowed_get_through(counting: None) -> None:
    principal = limited(rate=Rate(50, 60))

    def passes(_: int) -> bool:
        try:
            return spend(principal) is not None
        except RateLimited:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(passes, range(200))) == 50


def test_a_valkey_that_does_not_answer_costs_one_attempt_and_then_each_process_counts(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    for left in (2, 1, 0):
        assert spend(limited()) == (Rate(3, 60), left, 60)
    assert len([each for each in caplog.records if "counting requests in each process" in each.message]) == 1


@pytest.fixture
def two_workers(db: None) -> Iterator[None]:
    """This process is one of two workers of a server."""
    rates.share_among(2)
    yield
    rates.share_among(1)


@pytest.mark.parametrize(
    ("requests", "share"), [(1, 1), (2, 1), (3, 1), (4, 2), (MOST_REQUESTS, MOST_REQUESTS // 2)]
)
def test_without_valkey_a_worker_lets_its_share_through_and_one_at_least(
    two_workers: None, settings: Settings, requests: int, share: int
) -> None:
    settings.VALKEY_URL = ""
    principal = limited(rate=Rate(requests, 60))
    assert spend(principal) == (Rate(requests, 60), share - 1, 60)
    if share < 3:
        for _ in range(share - 1):
            spend(principal)
        with pytest.raises(RateLimited):
            spend(principal)


def test_a_client_is_told_the_whole_limit_and_what_is_left_in_the_worker(
    two_workers: None, settings: Settings, cast: Cast
) -> None:
    settings.VALKEY_URL = ""
    program = with_key(make_key(cast.alice, "services:read", "keys:read", rate_limit=Rate(5, 60)))
    answers = [ask(program), program.get("api-keys"), ask(program)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    policies = [answer.headers.get("RateLimit-Policy") for answer in answers]
    assert policies == ['"key";q=5;w=60', None, '"key";q=5;w=60']
    assert answers[0].headers["RateLimit"].startswith('"key";r=1;t=')
    assert answers[2].headers["RateLimit"] == f'"key";r=0;t={answers[2].headers["Retry-After"]}'


def test_with_valkey_workers_share_one_count(two_workers: None, settings: Settings, valkey: str) -> None:
    settings.VALKEY_URL = valkey
    assert spend(limited()) == (Rate(3, 60), 2, 60)


def test_memory_is_bounded_and_the_oldest_window_goes_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VALKEY_URL = ""
    monkeypatch.setattr(rates, "MOST_COUNTED", 2)
    for name in ("1", "2", "3"):
        spend(limited(name))
    assert spend(limited("3")) == (Rate(3, 60), 1, 60)
    assert spend(limited("1")) == (Rate(3, 60), 2, 60)


BAD = [
    {}, {"requests": 1}, {"seconds": 1}, {"requests": 0, "seconds": 1}, {"requests": 1, "seconds": 0},
    {"requests": MOST_REQUESTS + 1, "seconds": 1}, {"requests": 1, "seconds": LONGEST_WINDOW + 1},
    {"requests": "1", "seconds": 1}, {"requests": 1.5, "seconds": 1}, {"requests": True, "seconds": 1},
    {"requests": 1, "seconds": 1, "burst": 1}, "1/1s", 1, [], [1, 1],
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_a_malformed_rate_is_refused_by_name(cast: Cast, value: Any) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    for answer in (
        alice.post("api-keys", {"name": "CI", "rate_limit": value}),
        alice.patch(f"api-keys/{key.row.uuid}", {"rate_limit": value}),
    ):
        assert assert_problem(answer, 400, "invalid")["errors"][0]["member"].startswith("rate_limit")


def test_a_rate_is_shown_changed_and_recorded(cast: Cast) -> None:
    alice, rate = as_user(cast.alice), {"requests": 100, "seconds": 60}
    made = alice.post("api-keys", {"name": "CI", "rate_limit": rate}).json()
    address = f"api-keys/{made['id']}"
    assert alice.get(address).json()["rate_limit"] == rate
    assert alice.patch(address, {"rate_limit": rate | {"seconds": 1}}).json()["rate_limit"]["seconds"] == 1
    assert alice.patch(address, {"rate_limit": None}).json()["rate_limit"] is None
    created = Event.objects.get(name="api_key:created", target_id=made["id"])
    assert created.detail["rate_limit"] == "100/60s"
    details = (
        Event.objects.filter(name="api_key:changed").order_by("sequence").values_list("detail", flat=True)
    )
    assert list(details) == [
        {"from": {"rate_limit": "100/60s"}, "to": {"rate_limit": "100/1s"}},
        {"from": {"rate_limit": "100/1s"}, "to": {}},
    ]


@pytest.mark.parametrize("rate", [None, Rate(101, 60), Rate(100, 59), Rate(60, 1)])
@pytest.mark.requirement(60)
def test_a_key_with_a_rate_sets_no_faster_one(cast: Cast, rate: Rate | None) -> None:
    bound = make_key(cast.acme, "keys:write", rate_limit=Rate(100, 60))
    program, member = with_key(bound), {"rate_limit": rate and rate._asdict()}
    for answer in (
        program.post("api-keys", {"name": "child", **member}),
        program.patch(f"api-keys/{bound.row.uuid}", member),
        program.post(f"api-keys/{make_key(cast.acme, rate_limit=rate).row.uuid}/rotate"),
    ):
        assert_problem(answer, 400, "invalid", "rate_limit")
    slower = {"name": "child", "rate_limit": {"requests": 100, "seconds": 60}}
    assert program.post("api-keys", slower).status_code == 201
