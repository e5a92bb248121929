"""The host that passkeys of this installation are for: that of KEYHOUSE_PUBLIC_URL."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_noop

from accounts.passkeys.ceremonies import RelyingParty

NEEDS_A_NAME = gettext_noop(
    "Passkeys need a host name, and this installation has an IP address. Its operator can set "
    "KEYHOUSE_PUBLIC_URL to an address with a name."
)
NEEDS_HTTPS = gettext_noop(
    "Passkeys need https, and this installation has an http address. Its operator can set "
    "KEYHOUSE_PUBLIC_URL to an https address."
)


def relying_party() -> RelyingParty:
    """Return the relying party, whose id is "" if this installation can have no passkeys.

    An IP address is no RP ID (WebAuthn Level 3 section 5.1.2). In place of 127.0.0.1 and [::1], where people
    try Keyhouse, it is localhost.
    """
    parts = urlsplit(settings.PUBLIC_URL)
    host = parts.hostname or ""
    if not _is_address(host):
        return RelyingParty(host if _is_secure(host) else "", settings.PUBLIC_URL)
    if not ip_address(host).is_loopback:
        return RelyingParty("", settings.PUBLIC_URL)
    port = f":{parts.port}" if parts.port else ""
    return RelyingParty("localhost", f"{parts.scheme}://localhost{port}")


def why_none() -> str:
    """Return why this installation can have no passkeys; "" if it can."""
    if relying_party().id:
        return ""
    return NEEDS_A_NAME if _is_address(urlsplit(settings.PUBLIC_URL).hostname or "") else NEEDS_HTTPS


def is_here(request: HttpRequest) -> bool:
    """Whether the browser is at the address that passkeys are for."""
    party = relying_party()
    return bool(party.id) and f"{request.scheme}://{request.get_host()}" == party.origin


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_secure(host: str) -> bool:
    """Whether browsers offer WebAuthn there: they do with https, and at localhost."""
    return settings.HTTPS or host == "localhost" or host.endswith(".localhost")
