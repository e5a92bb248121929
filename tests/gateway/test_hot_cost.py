"""A hot check asks the database nothing, and runs nothing of features that its key does not use."""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from apikeys.services.api_keys import NewKey
from apikeys.usage import counting
from config import profiles
from config.profiles.notices import Notices
from config.profiles.profile import Profile
from gateway.repeated import forget
from tests.apikeys.quotas.helpers import ask, limit
from tests.conftest import Cast, make_key
from tests.gateway.asking import answer_at_once
from tests.webhooks.helpers import new_webhook

OF_FEATURES = (
    *("accounts.mail", "accounts.notifications", "apikeys.notices", "apikeys.quotas", "audit.sinks"),
    *("federation", "leaks", "migration", "webhooks"),
)
TURNS = 5


def data(key: str, uri: str = "/services/stock") -> bytes:
    """A check as a proxy sends it."""
    lines = ("Host: localhost", f"X-API-Key: {key}", "X-Original-Method: GET", f"X-Original-URI: {uri}")
    return "\r\n".join(["GET /gateway/check HTTP/1.1", *lines, "", ""]).encode()


def calls(work: Callable[[], None]) -> Counter[str]:
    """How often functions of each module are called by `work`, which must ask the database nothing."""
    found: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            found[frame.f_globals.get("__name__", "")] += 1

    with CaptureQueriesContext(connection) as captured:
        sys.setprofile(count)
        try:
            work()
        finally:
            sys.setprofile(None)
    assert not captured.captured_queries
    return found


def hot_checks(key: NewKey) -> Counter[str]:
    """What some hot checks with the key call, first of bytes that are new, and then of the same."""
    request = data(key.text)
    assert ask(key).status_code == 200  # the process knows the key
    answer_at_once(request)  # and has loaded everything

    def check() -> None:
        for _ in range(TURNS):
            forget()
            assert answer_at_once(request) is not None  # read anew
            assert answer_at_once(request) is not None  # as before

    found = calls(check)
    counting.forget()
    return found


def of_features(found: Counter[str]) -> list[str]:
    return sorted(name for name in found if f"{name}.".startswith(tuple(f"{each}." for each in OF_FEATURES)))


@pytest.fixture
def lean() -> Profile:
    """The shipped profile without the features that a profile may lack."""
    file = profiles.active().file
    return Profile("lean", replace(file, notices=Notices(), leaks=None))


def test_a_hot_check_calls_nothing_of_features_and_as_much_as_without_them(
    cast: Cast, lease: Callable[[float], None], lean: Profile
) -> None:
    lease(3600)
    key = make_key(cast.acme, "services:read")
    with profiles.override(lean):
        without = hot_checks(key)
    limit(make_key(cast.umbrella, "services:read"), day=5)
    new_webhook(cast.ada, "https://hooks.example.org/", None)
    with profiles.override(Profile("whole", profiles.active().file)):
        with_them = hot_checks(key)
    assert without["gateway.repeated"] > TURNS and without["gateway.edge"] > TURNS
    assert of_features(with_them) == []
    assert with_them == without


def test_the_count_would_see_a_feature_that_a_key_uses(cast: Cast, lease: Callable[[float], None]) -> None:
    lease(3600)
    key = make_key(cast.acme, "services:read")
    limit(key, total=10_000)
    assert "apikeys.quotas.leases" in of_features(hot_checks(key))
