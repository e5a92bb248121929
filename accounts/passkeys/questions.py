"""What pages ask browsers for: the options of navigator.credentials.get() and create(), as JSON."""

import json
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token

from accounts.models import Passkey, Session, User
from accounts.passkeys import challenges
from accounts.passkeys.ceremonies import ALGORITHMS, text_of
from accounts.passkeys.challenges import Purpose
from accounts.passkeys.relying_party import relying_party
from audit.actors import Origin
from config import profiles

MILLISECONDS = challenges.SECONDS * 1000


class Browser(NamedTuple):
    """The secret in a browser's CSRF cookie, which binds challenges to it, and its login, if it has one."""

    secret: str
    session: str = ""

    def __repr__(self) -> str:
        return "Browser()"

    @classmethod
    def of(cls, request: HttpRequest, session: Session | None = None) -> "Browser":
        """Return the browser that sent this request; the answer to it sets the cookie if it has none."""
        get_token(request)
        return cls(request.META["CSRF_COOKIE"], str(session.uuid) if session else "")


def about(browser: Browser, user: User | None) -> str:
    """Return what a challenge is bound to. One about a person ends with a new password or a logout."""
    person = [str(user.uuid), user.password, str(user.sessions_ended_at)] if user else []
    return json.dumps([*browser, *person])


def ask_to_log_in(request: HttpRequest) -> str:
    """Return options with which any person's passkey of this installation answers."""
    return _get(_challenge(Purpose.LOGIN, request, Browser.of(request), None), "required", None)


def ask_for_second_factor(request: HttpRequest, user: User) -> str:
    """Return options with which a passkey of this person answers, whose password was right."""
    browser = Browser.of(request)
    return _get(_challenge(Purpose.SECOND_FACTOR, request, browser, user), "preferred", user)


def ask_for_proof(request: HttpRequest, session: Session) -> str:
    """Return options with which a passkey of this person answers, who is logged in."""
    browser, user = Browser.of(request, session), session.user
    return _get(_challenge(Purpose.PROOF, request, browser, user), "preferred", user)


def ask_for_new(request: HttpRequest, session: Session) -> str:
    """Return options for a new passkey of a person who has just proven who they are."""
    user, party = session.user, relying_party()
    challenge = _challenge(Purpose.REGISTRATION, request, Browser.of(request, session), user)
    return json.dumps(
        {
            "rp": {"id": party.id, "name": profiles.active().product.name},
            "user": {"id": text_of(user.uuid.bytes), "name": user.login_name, "displayName": str(user)},
            "challenge": text_of(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in ALGORITHMS],
            "timeout": MILLISECONDS,
            "excludeCredentials": _known(user),
            "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
            "attestation": "none",
        }
    )


def passkeys_of(user: User) -> list[Passkey]:
    """Return the person's passkeys that work at this installation's host, newest first."""
    return list(Passkey.objects.filter(second_factor__user=user, rp_id=relying_party().id))


def _challenge(purpose: Purpose, request: HttpRequest, browser: Browser, user: User | None) -> bytes:
    now = int(Origin.of(request).at.timestamp())
    return challenges.make(settings.PASSKEY_KEY, purpose, about(browser, user), now)


def _get(challenge: bytes, verification: str, user: User | None) -> str:
    return json.dumps(
        {
            "challenge": text_of(challenge),
            "timeout": MILLISECONDS,
            "rpId": relying_party().id,
            "allowCredentials": _known(user) if user else [],
            "userVerification": verification,
        }
    )


def _known(user: User) -> list[dict[str, Any]]:
    return [
        {
            "type": "public-key",
            "id": text_of(bytes(each.credential_id)),
            "transports": each.transports.split(),
        }
        for each in passkeys_of(user)
    ]
