"""The only place that checks passkeys: the answer is to our challenge, signed, and not used before."""

import time
from hashlib import sha256
from typing import NamedTuple

from django.conf import settings
from fido2 import cbor

from accounts.models import Passkey, SpentChallenge, User
from accounts.passkeys import ceremonies, challenges
from accounts.passkeys.ceremonies import Assertion, Verified
from accounts.passkeys.challenges import Asked, Purpose
from accounts.passkeys.questions import Browser, about
from accounts.passkeys.relying_party import relying_party
from accounts.throttling.services import attempt, succeeded
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.retention import delete_some
from config.limits import Limit
from config.wire.errors import DomainError, Sentence

# A valid key that no passkey has, for answers of passkeys that do not exist: they take as long as others.
STAND_IN = cbor.encode(
    {
        1: 2,
        3: -7,
        -1: 1,
        -2: bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        -3: bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    }
)


class Answer(NamedTuple):
    """The JSON that a browser sent in answer to a challenge, and the browser."""

    text: str
    browser: Browser

    def __repr__(self) -> str:
        return "Answer()"


class Answered(NamedTuple):
    """A passkey that has answered rightly, and what the answer was for."""

    passkey: Passkey
    purpose: Purpose
    is_user_verified: bool


class PasskeyRefused(DomainError):
    """What was sent does not answer a challenge of ours. The error does not reveal which passkeys exist."""


class WrongPasskey(Exception):
    """The passkey may not answer this challenge, or its signature is wrong. `user` is the owner, if known."""

    def __init__(self, reason: str, user: User | None) -> None:
        super().__init__(reason)
        self.reason, self.user = reason, user


def check_login(answer: Answer, origin: Origin) -> Answered:
    """Check the passkey with which somebody logs in, without a password or after it.

    Failures count for the passkey and the address, and after a password for the person, too. Raises
    TooManyAttempts, PasskeyRefused for an answer to no challenge of ours, or WrongPasskey.
    """
    sent = _read(answer.text)
    subject = ceremonies.text_of(sent.credential_id)
    purpose = _claimed(sent)
    if purpose == Purpose.LOGIN:
        asked = read_challenge(sent.challenge, purpose, about(answer.browser, None), origin)
    attempt(Limit.LOGIN, subject=subject, origin=origin)
    passkey = _find(sent)
    if purpose != Purpose.LOGIN:
        if passkey is None:
            raise _foreign()
        user = passkey.user
        asked = read_challenge(sent.challenge, Purpose.SECOND_FACTOR, about(answer.browser, user), origin)
        attempt(Limit.CODE, subject=str(user.uuid), origin=origin, target=Target.of("user", user))
    answered = _check(sent, asked, passkey, origin)
    succeeded(Limit.LOGIN, subject=subject, origin=origin)
    if purpose != Purpose.LOGIN:
        succeeded(Limit.CODE, subject=str(answered.passkey.user.uuid), origin=origin)
    return answered


def check_proof(user: User, answer: Answer, origin: Origin) -> Answered:
    """Check a passkey of a person who is logged in and changes something. Raises as `check_login`.

    Failures count like wrong codes, across logins.
    """
    sent, subject = _read(answer.text), str(user.uuid)
    asked = read_challenge(sent.challenge, Purpose.PROOF, about(answer.browser, user), origin)
    attempt(Limit.CODE, subject=subject, origin=origin, target=Target.of("user", user))
    passkey = _find(sent)
    if passkey is not None and passkey.user != user:
        raise WrongPasskey("passkey of somebody else", user)
    answered = _check(sent, asked, passkey, origin)
    succeeded(Limit.CODE, subject=subject, origin=origin)
    return answered


def read_challenge(challenge: bytes, purpose: Purpose, about: str, origin: Origin) -> Asked:
    """Return what our challenge asked for; `about` is what it must be bound to. Raises PasskeyRefused."""
    try:
        asked = challenges.read(settings.PASSKEY_KEY, challenge, about, int(origin.at.timestamp()))
    except challenges.ExpiredChallenge:
        raise PasskeyRefused("The page was open for more than five minutes. Try again.") from None
    except challenges.ForeignChallenge:
        raise _foreign() from None
    if asked.purpose != purpose:
        raise _foreign()
    return asked


def spend(challenge: bytes, asked: Asked) -> None:
    """Let nobody answer this challenge again; of simultaneous answers one wins. Raises PasskeyRefused."""
    digest = sha256(challenge).digest()
    _, is_new = SpentChallenge.objects.get_or_create(digest=digest, defaults={"ends_at": asked.ends_at})
    if not is_new:
        raise PasskeyRefused("This answer of the passkey was sent before. Try again.")


def elsewhere() -> PasskeyRefused:
    """Return the error for a passkey that was used at another address."""
    address = relying_party().origin
    return PasskeyRefused(
        Sentence("The passkey was used at another address. Open %(address)s.", address=address)
    )


def malformed() -> PasskeyRefused:
    """Return the error for a text that no browser sends."""
    return PasskeyRefused("No browser sends this for a passkey. Reload the page, and try again.")


def _foreign() -> PasskeyRefused:
    return PasskeyRefused("The passkey's answer does not fit this page. Reload the page, and try again.")


def _read(text: str) -> Assertion:
    try:
        return ceremonies.read_assertion(text)
    except ceremonies.NotAccepted:
        raise malformed() from None


def _claimed(sent: Assertion) -> Purpose:
    try:
        return challenges.purpose_of(sent.challenge)
    except challenges.ForeignChallenge:
        raise _foreign() from None


def _find(sent: Assertion) -> Passkey | None:
    rows = Passkey.objects.filter(credential_id=sent.credential_id, rp_id=relying_party().id)
    return rows.select_related("second_factor__user").first()


def _check(sent: Assertion, asked: Asked, passkey: Passkey | None, origin: Origin) -> Answered:
    """Verify the signature, spend the challenge, and write the counter down."""
    user = passkey.user if passkey else None
    try:
        key = bytes(passkey.public_key) if passkey else STAND_IN
        verified = ceremonies.verify_assertion(relying_party(), sent, key)
    except ceremonies.ElsewhereMade:
        raise elsewhere() from None
    except ceremonies.NotAccepted:
        raise WrongPasskey("wrong passkey" if passkey else "unknown passkey", user) from None
    if passkey is None:
        raise WrongPasskey("unknown passkey", None)
    if sent.user_handle not in (None, passkey.user.uuid.bytes):
        raise WrongPasskey("passkey of somebody else", user)
    spend(sent.challenge, asked)
    _write_down(passkey, verified, origin)
    return Answered(passkey, asked.purpose, verified.is_user_verified)


def _write_down(passkey: Passkey, verified: Verified, origin: Origin) -> None:
    """Store the counter, which must have grown if the authenticator counts (WebAuthn Level 3 section 6.1.1).

    A conditional UPDATE, so of simultaneous answers with one counter, one is right. A counter that went back
    is recorded: somebody may have a copy of the passkey. Raises WrongPasskey.
    """
    same = Passkey.objects.filter(pk=passkey.pk)
    if verified.sign_count or passkey.sign_count:
        same = same.filter(sign_count__lt=verified.sign_count)
    count, is_backed_up = verified.sign_count, verified.backed_up
    if same.update(sign_count=count, backed_up=is_backed_up, last_used_at=origin.at):
        return
    if Passkey.objects.filter(pk=passkey.pk).exists():
        target = Target.of("user", passkey.user)
        detail = {"passkey": passkey.name, "counter": count, "before": passkey.sign_count}
        record(
            EventName.PASSKEY_COUNTER_REGRESSED, actor=ANONYMOUS, origin=origin, target=target, detail=detail
        )
        raise WrongPasskey("counter of the passkey went back", passkey.user)
    raise WrongPasskey("passkey was just removed", passkey.user)


def sweep() -> None:
    """Delete some spent challenges that have expired, without waiting for locks."""
    delete_some(SpentChallenge.objects.filter(ends_at__lte=int(time.time())))
