"""Limits of keys at their bounds: each bound itself is allowed."""

from ipaddress import ip_network

import pytest

from access.key_limits import (
    LONGEST_WINDOW,
    MOST_NETWORKS,
    MOST_REQUESTS,
    Limits,
    Rate,
    clean_networks,
    clean_rate,
    rate_of,
)
from config.wire.errors import Invalid

pytestmark = pytest.mark.once

UNLIMITED = Limits()


def test_a_key_may_have_the_most_networks_and_not_one_more() -> None:
    networks = [f"10.0.0.{number}" for number in range(MOST_NETWORKS + 1)]
    assert len(clean_networks(networks[1:], UNLIMITED)) == MOST_NETWORKS
    with pytest.raises(Invalid) as refused:
        clean_networks(networks, UNLIMITED)
    assert list(refused.value.errors) == ["allowed_networks"]


@pytest.mark.parametrize("same", ["10.1.0.0/16", "2001:db8::/32"])
def test_the_very_networks_of_the_key_in_use_lie_within_them(same: str) -> None:
    own = Limits((ip_network(same),))
    assert clean_networks([same], own) == [same]
    with pytest.raises(Invalid):
        clean_networks(["10.0.0.0/15", "2001:db8::/31"], own)


@pytest.mark.parametrize("rate", [Rate(1, 1), Rate(MOST_REQUESTS, LONGEST_WINDOW)])
def test_a_rate_may_be_the_least_and_the_most(rate: Rate) -> None:
    assert clean_rate(rate, UNLIMITED) == rate
    assert clean_rate(rate, Limits(rate=rate)) == rate


@pytest.mark.parametrize(
    "rate", [Rate(0, 1), Rate(1, 0), Rate(MOST_REQUESTS + 1, 1), Rate(1, LONGEST_WINDOW + 1)]
)
def test_a_rate_beyond_the_least_and_the_most_is_refused(rate: Rate) -> None:
    with pytest.raises(Invalid):
        clean_rate(rate, UNLIMITED)


@pytest.mark.parametrize(("requests", "seconds"), [(None, None), (5, None), (None, 60)])
def test_half_a_stored_rate_is_no_rate(requests: int | None, seconds: int | None) -> None:
    assert rate_of(requests, seconds) is None
    assert rate_of(5, 60) == Rate(5, 60)
