"""The use case of a person who is logged in and proves again who they are, because their login got old."""

from django.db import transaction

from access.principals import Caller
from accounts.models import Session
from accounts.passkeys.verification import Answer
from accounts.second_factor.proof import hold_as_proven, prove
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.wire.errors import InvalidToken


def prove_again(*, caller: Caller, password: str, code: str = "", passkey: Answer | None = None) -> None:
    """Let the caller's login count as new for `login.fresh_seconds` (ASVS 7.5.1).

    A person with a second factor also needs a `code` or a passkey. Raises TooManyAttempts, WrongProof, which
    is recorded, PasskeyRefused, or InvalidToken if the login has just ended.
    """
    user = prove(caller, password, code, passkey)
    now = caller.origin.at
    with transaction.atomic():
        hold_as_proven(user)
        here = Session.objects.live(now).filter(uuid=caller.principal.credential.id, user=user)
        if not here.update(proven_again_at=now):
            raise InvalidToken
        target = Target.of("session", here.get()).about(user=user)
        record(EventName.SESSION_CONFIRMED, actor=caller.principal.actor, origin=caller.origin, target=target)
