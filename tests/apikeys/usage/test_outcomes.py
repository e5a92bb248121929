"""Every request with an existing key counts once, by its outcome. Only allowed requests are uses."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.key_limits import Rate
from accounts.models import User
from apikeys.at_rest import key_text
from apikeys.models import ApiKey, KeyUse
from apikeys.services.api_keys import NewKey
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting
from config import profiles
from tests.accounts.helpers import caller_as
from tests.conftest import Api, Cast, as_user, make_key, with_key

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
OURS = "api-keys"


def outcomes() -> dict[str, int]:
    """Return the count of each outcome, for all keys together."""
    counting.flush()
    return dict(KeyUse.objects.values_list("outcome", "count"))


def ask(api: Api, **extra: str) -> int:
    status: int = api.get("/gateway/check", headers=ORIGINAL, **extra).status_code
    return status


def call(api: Api, **extra: str) -> int:
    status: int = api.get(OURS, **extra).status_code
    return status


Door = Callable[..., int]
DOORS = {"the gateway": ask, "our own endpoints": call}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    """Both ways to use a key: at our own endpoints and at the gateway."""
    return DOORS[request.param]


def full_key(cast: Cast, **options: Any) -> NewKey:
    return make_key(cast.alice, "services:read", "keys:read", **options)


def test_a_request_that_is_let_in_is_allowed(cast: Cast, door: Door) -> None:
    program = with_key(full_key(cast))
    assert [door(program), door(program)] == [200, 200]
    assert outcomes() == {"allowed": 2}
    assert ApiKey.objects.get().use_count == 2


def test_a_key_that_lacks_the_scope_is_refused_and_not_used(cast: Cast, door: Door) -> None:
    assert door(with_key(make_key(cast.alice))) == 403
    assert outcomes() == {"scope": 1}
    row = ApiKey.objects.get()
    assert (row.use_count, row.last_used_at, row.last_used_ip) == (0, None, "")


def test_noting_what_came_of_a_request_costs_no_query(
    cast: Cast, door: Door, lease: Callable[[float], None]
) -> None:
    good, refused = with_key(full_key(cast)), with_key(make_key(cast.alice))
    lease(3600)
    assert [door(good), door(refused)] == [200, 403]  # both keys are now cached, and the refusal is recorded
    with CaptureQueriesContext(connection) as captured:
        assert [ask(good), door(refused)] == [200, 403]
    assert captured.captured_queries == []


def test_a_service_that_refuses_what_a_key_may_not_do_counts_like_a_scope(cast: Cast) -> None:
    other = make_key(cast.acme)
    assert with_key(make_key(cast.bob, "keys:read")).delete(f"{OURS}/{other.row.uuid}").status_code == 403
    assert outcomes() == {"scope": 1}


def test_an_answer_that_is_an_error_of_the_client_s_is_a_use_all_the_same(cast: Cast) -> None:
    program = with_key(full_key(cast))
    assert [program.get(f"{OURS}/nothing").status_code, program.get(f"{OURS}?x=1").status_code] == [404, 400]
    assert outcomes() == {"allowed": 2}


def test_a_key_from_elsewhere_is_refused_for_the_network(cast: Cast, door: Door) -> None:
    program = with_key(full_key(cast, allowed_networks=["192.0.2.7"]))
    assert [door(program), door(program, REMOTE_ADDR="192.0.2.7")] == [403, 200]
    assert outcomes() == {"network": 1, "allowed": 1}


def test_a_key_over_its_rate_is_refused_for_that(cast: Cast, door: Door) -> None:
    program = with_key(full_key(cast, rate_limit=Rate(2, 3600)))
    assert [door(program) for _ in range(5)] == [200, 200, 429, 429, 429]
    assert outcomes() == {"allowed": 2, "rate": 3}


def revoke(cast: Cast, key: NewKey) -> None:
    revoke_api_keys(caller=caller_as(cast.ada), selected=[key.row])


def disable(cast: Cast, key: NewKey) -> None:
    disable_api_keys(caller=caller_as(cast.ada), selected=[key.row])


def expire(cast: Cast, key: NewKey) -> None:
    now = timezone.now()
    ApiKey.objects.update(created_at=now - timedelta(days=2), expires_at=now - timedelta(days=1))


def deactivate(cast: Cast, key: NewKey) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, disable, expire, deactivate])
def test_a_key_that_is_good_no_more_is_refused_as_ended(
    cast: Cast, door: Door, end: Callable[[Cast, NewKey], None]
) -> None:
    key = full_key(cast)
    assert door(with_key(key)) == 200
    end(cast, key)
    assert [door(with_key(key)) for _ in range(3)] == [401, 401, 401]
    assert outcomes() == {"allowed": 1, "ended": 3}
    assert ApiKey.objects.get().use_count == 1


def test_what_is_no_key_of_ours_is_not_counted(cast: Cast, door: Door) -> None:
    invented = key_text.mint(profiles.active().keys.environments["live"])
    assert [door(with_key(text)) for text in (invented, "kh_live_x")] == [401, 401]
    door(as_user(cast.alice))
    door(Api())
    assert outcomes() == {}


def test_introspection_counts_as_a_use_of_the_key_and_of_the_asker_s(cast: Cast) -> None:
    asker, asked = make_key(cast.ada, "introspect"), full_key(cast)
    for is_active in (True, False):
        answer = with_key(asker).post("/gateway/introspect", {"token": asked.text})
        assert answer.json()["active"] is is_active
        revoke(cast, asked)
    counting.flush()
    found = set(KeyUse.objects.values_list("key", "outcome", "count"))
    assert found == {(asker.row.pk, "allowed", 2), (asked.row.pk, "allowed", 1), (asked.row.pk, "ended", 1)}
