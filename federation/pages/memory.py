"""What the browser keeps of a login with a provider: a signed cookie, then a part of its session."""

from typing import Any

import msgspec
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from federation.protocol.flow import SECONDS, Flow
from federation.services.vouching import Vouched

SALT = "keyhouse.federation.flow"
VOUCHED = "vouched"  # key in the browser's session


class _Kept(msgspec.Struct):
    vouched: Vouched
    back: str
    ends_at: int


def keep_flow(response: HttpResponse, flow: Flow) -> None:
    """Let the browser keep a login that begins. A page of another site cannot set this cookie."""
    response.set_cookie(
        settings.PROVIDER_COOKIE_NAME,
        signing.dumps(flow, salt=SALT),
        max_age=SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",  # the provider's redirect is a navigation from another site
    )


def flow_in(request: HttpRequest) -> Flow | None:
    """Return the login that began in this browser, or None."""
    try:
        sent: Any = signing.loads(request.COOKIES[settings.PROVIDER_COOKIE_NAME], salt=SALT, max_age=SECONDS)
        return Flow(*sent)
    except (KeyError, TypeError, signing.BadSignature):
        return None


def forget_flow(response: HttpResponse) -> None:
    """Let the browser forget the login that has ended."""
    response.delete_cookie(settings.PROVIDER_COOKIE_NAME, samesite="Lax")


def keep_vouched(request: HttpRequest, vouched: Vouched, back: str, now: int) -> None:
    """Keep the provider's word until the person has logged in to their account, too. A login ends it."""
    kept = _Kept(vouched, back, now + SECONDS)
    request.session[VOUCHED] = msgspec.to_builtins(kept)


def vouched_in(request: HttpRequest, now: int) -> Vouched | None:
    """Return the provider's word; None if it is missing or too old."""
    kept = _kept_in(request)
    return kept.vouched if kept is not None and kept.ends_at > now else None


def back_in(request: HttpRequest) -> str:
    """Return the page that asked for the login of the provider's word, however old; "" without one."""
    kept = _kept_in(request)
    return "" if kept is None else kept.back


def _kept_in(request: HttpRequest) -> _Kept | None:
    kept = request.session.get(VOUCHED)
    return None if kept is None else msgspec.convert(kept, _Kept)
