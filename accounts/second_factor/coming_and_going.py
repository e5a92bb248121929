"""Ends logins and consents when a second factor is added or removed.

The functions run in the caller's transaction. The caller records the change."""

from django.db.models import Q

from access.principals import Caller
from accounts import hooks
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import Passkey, RecoveryCode, SecondFactor, Session, User
from accounts.second_factor.proof import no_second_factor
from accounts.sessions.termination import end_all_sessions
from audit.actors import Origin
from config.wire.errors import Conflict


def end_what_was_opened_without(user: User, caller: Caller) -> None:
    """End all consents and logins of a person, except the caller's login, which proved the second factor."""
    hooks.tell(hooks.access_ended, user)
    credential = caller.principal.credential
    here = Q(uuid=credential.id) if credential.kind == "jwt" else Q(pk=None)
    end_all_sessions(user, caller.origin.at, but=here)
    Session.objects.filter(here, user=user).update(second_factor=True)


def take_away(user: User, origin: Origin) -> None:
    """Delete app, passkeys and recovery codes, and tell their owner.

    Sessions and consents no longer count as having proven them. Raises Conflict if the person has none.
    """
    removed, _ = SecondFactor.objects.filter(user=user, confirmed=True).delete()
    if not removed:
        raise no_second_factor()
    RecoveryCode.objects.filter(user=user).delete()
    Session.objects.filter(user=user, second_factor=True).update(second_factor=False)
    hooks.tell(hooks.second_factor_removed, user)
    queue_mail(kind=MailKind.SECOND_FACTOR_REMOVED, address=user.email, origin=origin)


def take_app_away(user: User, caller: Caller) -> None:
    """Delete the app, and tell its owner; recovery codes go with the last second factor.

    If passkeys remain, the person's other logins end. Raises Conflict if the person has no app.
    """
    app = SecondFactor.objects.filter(user=user, confirmed=True, confirmed_at__isnull=False)
    if not app.exists():
        raise Conflict("totp", "this account has no authenticator app")
    if not Passkey.objects.filter(second_factor__user=user).exists():
        take_away(user, caller.origin)
        return
    app.update(seed="", new_seed="", confirmed_at=None, last_step=0, last_used_at=None)
    end_what_was_opened_without(user, caller)
    queue_mail(kind=MailKind.SECOND_FACTOR_REMOVED, address=user.email, origin=caller.origin)


def take_passkey_away(user: User, passkey: Passkey, caller: Caller) -> None:
    """Delete one passkey, and tell its owner; recovery codes go with the last second factor.

    The person's other logins end, because somebody who has the passkey may have opened them.
    """
    passkey.delete()
    end_what_was_opened_without(user, caller)
    device = SecondFactor.objects.get(user=user)
    if device.has_app or device.passkeys.exists():
        queue_mail(kind=MailKind.PASSKEY_REMOVED, address=user.email, origin=caller.origin)
    else:
        take_away(user, caller.origin)
