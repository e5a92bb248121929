"""Counts the requests of a credential against its limits: its rate limit and its quotas."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from access.principals import Principal
from accounts.throttling import valkey
from apikeys.quotas import leases
from apikeys.quotas.errors import QuotaReached
from apikeys.quotas.states import State, headers_of
from apikeys.usage import rates
from apikeys.usage.refusals import record_refused_use
from audit.actors import Origin
from config.wire.errors import RateLimited

Headers = Mapping[str, str]
NO_HEADERS: Headers = MappingProxyType({})


def spend(principal: Principal, origin: Origin) -> Headers:
    """Count one request, and return the headers that say what is left: none without limits.

    Raises RateLimited or QuotaReached if nothing was left, and records that.
    """
    limits = principal.credential.limits
    if limits is None:
        return NO_HEADERS
    try:
        allowance = rates.count(principal, origin)
        states = leases.spend(limits.quotas, origin.at)
    except RateLimited:
        record_refused_use(principal, "rate limit", origin)
        raise
    except QuotaReached:
        record_refused_use(principal, "quota", origin)
        raise
    return _joined(allowance, states, origin)


def spend_from_memory(principal: Principal, origin: Origin) -> Headers | None:
    """Do the same if nothing but this process must be asked. Else, and for a refusal, return None."""
    limits = principal.credential.limits
    if limits is None or (limits.rate is None and not limits.quotas):
        return NO_HEADERS
    if valkey.is_asked() or (states := leases.spend_here(limits.quotas, origin.at)) is None:
        return None
    try:
        allowance = rates.count(principal, origin)
    except RateLimited:
        leases.put_back(limits.quotas)
        return None
    return _joined(allowance, states, origin)


def _joined(allowance: rates.Allowance | None, states: Sequence[State], origin: Origin) -> Headers:
    """Return the headers about a rate limit and about quotas; both may have some."""
    found: list[Headers] = [allowance.headers] if allowance else []
    if states:
        found.append(headers_of(states, origin.at))
    names = found[0] if found else ()
    return {name: ", ".join(headers[name] for headers in found) for name in names}
