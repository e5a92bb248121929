"""The limits of a key as its columns, and as the audit log says them."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from access.key_limits import Limits, Rate, clean_networks, clean_rate, limits_of
from access.principals import Caller
from apikeys.models import ApiKey


def limit_columns(
    caller: Caller, networks: Sequence[str] | UnsetType, rate: Rate | UnsetType | None
) -> dict[str, Any]:
    """Return the columns of the limits. Raises Invalid for wrong limits, and wider ones than the caller's."""
    own = caller.principal.credential.limits or Limits()
    columns: dict[str, Any] = {}
    if networks is not UNSET:
        columns["allowed_networks"] = clean_networks(networks, own)
    if rate is not UNSET:
        rate = clean_rate(rate, own)
        columns |= {"rate_requests": rate and rate.requests, "rate_seconds": rate and rate.seconds}
    return columns


def limits_in(row: ApiKey) -> Limits:
    """Return the limits in the columns of a key, without its quota."""
    return limits_of(row.allowed_networks, row.rate_limit) or Limits()


def limits_in_words(row: ApiKey) -> dict[str, Any]:
    """Return the limits that a key has, for the audit log."""
    words = {"allowed_networks": row.allowed_networks, "rate_limit": row.rate_limit and str(row.rate_limit)}
    return {member: value for member, value in words.items() if value}
