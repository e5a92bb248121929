"""Looks up the DNS record with which an organization proves a domain."""

import dns.exception
import dns.resolver
from django.conf import settings

from config.wire.errors import Invalid

SECONDS = 5.0  # for the whole look-up
RECORD = "_keyhouse"  # the name of the record, below the domain


def texts_of(domain: str) -> list[str]:
    """Return the TXT records of _keyhouse.DOMAIN. Raises Invalid, naming `domain`, if there is no answer."""
    try:
        answer = _resolver().resolve(f"{RECORD}.{domain}.", "TXT", lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException:
        raise Invalid("domain", "has name servers that do not answer; try again") from None
    return [b"".join(each.strings).decode("ascii", "replace") for each in answer]


def _resolver() -> dns.resolver.Resolver:
    """Return the resolver of KEYHOUSE_DNS_RESOLVER, or the system's."""
    if settings.DNS_RESOLVER is None:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [settings.DNS_RESOLVER.host], settings.DNS_RESOLVER.port
    return resolver
