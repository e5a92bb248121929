"""Use cases of passkeys: add one, rename one, remove one's own or those of others."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from access.principals import Caller
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import Passkey, RecoveryCode, SecondFactor, User
from accounts.passkeys import ceremonies
from accounts.passkeys.ceremonies import NewPasskey, Registration
from accounts.passkeys.challenges import Purpose
from accounts.passkeys.questions import about
from accounts.passkeys.relying_party import relying_party
from accounts.passkeys.verification import Answer, elsewhere, malformed, read_challenge, spend
from accounts.second_factor.authority import check_may_help, lock_people
from accounts.second_factor.coming_and_going import end_what_was_opened_without, take_passkey_away
from accounts.second_factor.proof import hold_as_proven, prove, prove_second_factor, record_of
from accounts.second_factor.recovery_codes import make_recovery_codes
from accounts.users.lookups import person_of
from accounts.users.names import clean_name
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.wire.errors import Conflict, NotFound, Sentence

MOST = 20  # passkeys of one person


def check_may_add(*, caller: Caller, password: str, code: str = "", passkey: Answer | None = None) -> None:
    """Check the fresh proof before a new passkey. Raises as `prove`, or Conflict for a person with MOST."""
    user = prove(caller, password, code, passkey)
    _check_room(user)


def add_passkey(*, caller: Caller, answer: Answer, name: str) -> list[str]:
    """Add the passkey that the browser made in answer to a challenge; it counts at once.

    Return new recovery codes if the person had none; they are shown only once. The caller's login counts as
    one with a second factor from now on; all other logins and consents end. Raises PasskeyRefused, Invalid
    for the name, or Conflict for a passkey that is registered already.
    """
    user = person_of(caller)
    name = clean_name("name", name)
    sent = _read(answer.text)
    asked = read_challenge(sent.challenge, Purpose.REGISTRATION, about(answer.browser, user), caller.origin)
    made = _verified(sent)
    with transaction.atomic():
        hold_as_proven(user)
        _check_room(user)
        spend(sent.challenge, asked)
        passkey = _store(user, name, sent, made, caller.origin.at)
        has_codes = RecoveryCode.objects.filter(user=user).exists()
        codes = [] if has_codes else make_recovery_codes(user, caller.origin.at)
        end_what_was_opened_without(user, caller)
        queue_mail(kind=MailKind.PASSKEY_ADDED, address=user.email, origin=caller.origin)
        record_of(EventName.PASSKEY_ADDED, caller, user, _detail(passkey))
    return codes


def remove_passkey(
    *, caller: Caller, removed: Passkey, password: str, code: str = "", passkey: Answer | None = None
) -> None:
    """Remove a passkey of the caller; with the last second factor, the recovery codes go, too.

    All other logins and consents end. `passkey` may be the answer of the one to be removed.
    Raises TooManyAttempts, WrongProof, PasskeyRefused, or NotFound.
    """
    user = prove_second_factor(caller, password, code, passkey)
    with transaction.atomic():
        hold_as_proven(user)
        found = _lock(user, removed)
        detail = _detail(found)
        take_passkey_away(user, found, caller)
        record_of(EventName.PASSKEY_REMOVED, caller, user, detail)


def rename_passkey(*, caller: Caller, renamed: Passkey, name: str) -> None:
    """Give a passkey of the caller another name. Raises Invalid for the name, or NotFound."""
    user = person_of(caller)
    name = clean_name("name", name)
    with transaction.atomic():
        passkey = _lock(user, renamed)
        if passkey.name == name:
            return
        detail = _detail(passkey) | {"name": name, "before": passkey.name}
        Passkey.objects.filter(pk=passkey.pk).update(name=name)
        record_of(EventName.PASSKEY_RENAMED, caller, user, detail)


def remove_passkeys(*, caller: Caller, selected: Collection[Passkey]) -> int:
    """Remove passkeys of other people who have lost them, all or none; return how many.

    Their owners are logged out everywhere. Raises as `remove_second_factors`.
    """
    owners = {passkey.second_factor.user_id for passkey in selected}
    check_may_help(caller, owners)
    with transaction.atomic():
        people = {user.pk: user for user in lock_people(caller, owners)}
        entries = []
        for passkey in selected:
            user = people[passkey.second_factor.user_id]
            found = _lock(user, passkey)
            entries.append(Entry(EventName.PASSKEY_REMOVED, Target.of("user", user), _detail(found)))
            take_passkey_away(user, found, caller)
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
    return len(entries)


def _lock(user: User, passkey: Passkey) -> Passkey:
    """Lock a passkey of this person. Raises NotFound."""
    own = Passkey.objects.select_for_update(of=("self",)).filter(second_factor__user=user, pk=passkey.pk)
    found = own.first()
    if found is None:
        raise NotFound("This passkey no longer exists.")
    return found


def _read(text: str) -> Registration:
    try:
        return ceremonies.read_registration(text)
    except ceremonies.NotAccepted:
        raise malformed() from None


def _verified(sent: Registration) -> NewPasskey:
    try:
        return ceremonies.verify_registration(relying_party(), sent)
    except ceremonies.ElsewhereMade:
        raise elsewhere() from None
    except ceremonies.NotAccepted:
        raise malformed() from None


def _check_room(user: User) -> None:
    if Passkey.objects.filter(second_factor__user=user).count() >= MOST:
        raise Conflict("passkeys", Sentence("you have %(most)d passkeys; remove one first", most=MOST))


def _store(user: User, name: str, sent: Registration, made: NewPasskey, now: datetime) -> Passkey:
    device, _ = SecondFactor.objects.update_or_create(user=user, defaults={"confirmed": True})
    values = made._asdict() | {
        "second_factor": device,
        "name": name,
        "rp_id": relying_party().id,
        "transports": " ".join(sent.transports),
        "created_at": now,
    }
    credential_id = values.pop("credential_id")
    passkey, is_new = Passkey.objects.get_or_create(credential_id=credential_id, defaults=values)
    if not is_new:
        raise Conflict("passkeys", "this passkey is registered already")
    return passkey


def _detail(passkey: Passkey) -> dict[str, str]:
    return {"passkey": str(passkey.uuid), "name": passkey.name}
