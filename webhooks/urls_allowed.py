"""Which URLs a webhook may have."""

from ipaddress import ip_address

from django.conf import settings

from config.hosts import spell_url
from config.outgoing.addresses import may_be_called
from config.outgoing.client import BadAddress, place_of
from config.wire.errors import Invalid


def clean_url(text: str) -> str:
    """Return the URL with its host in canonical spelling. Raises Invalid for one that cannot be called.

    An address that a host name leads to is judged when something is sent; an address in the URL at once.
    """
    try:
        url = spell_url(text.strip())
        place = place_of(url)
    except BadAddress as error:
        raise Invalid("url", str(error)) from None
    except (ValueError, UnicodeError):
        raise Invalid("url", "must be a URL such as https://example.org/hooks") from None
    networks = settings.WEBHOOK_NETWORKS
    if place.scheme != "https" and not networks:
        raise Invalid("url", "must begin with https://")
    if _is_address(place.host) and not may_be_called(place.host, networks):
        raise Invalid("url", "must lead to a public address, or to a network that the operator allows")
    return url


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
