"""Use cases of registration, for profiles that let people register."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from accounts.mail import link_tokens
from accounts.mail.messages import MailKind, Message, Template, link
from accounts.mail.outbox import UNSENT_DAYS, queue_mail
from accounts.models import Mail, Registration, User
from accounts.passwords.rules import check_password_rules
from accounts.sessions.identity import as_actor
from accounts.throttling.services import attempt
from accounts.users import names
from accounts.users.store import insert_user
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.database.retention import delete_some
from config.limits import Limit
from config.wire.errors import Conflict, Invalid, NotFound


def check_open() -> None:
    """Raise NotFound if the profile does not allow registration."""
    if not profiles.active().login.registration_role:
        raise NotFound("Registration is closed.")


def register(*, email: str, password: str, name: str = "", origin: Origin) -> None:
    """Store a registration, and queue a mail with its own link to the address.

    Other registrations of the address stay valid. Whether the address has an account is checked when the mail
    is sent, so the request does the same work for everybody. Raises NotFound if registration is closed,
    Invalid, or TooManyAttempts.
    """
    check_open()
    wanted = User(email=names.clean_email(email), name=names.clean_name("name", name) if name else "")
    check_password_rules(password, wanted)
    key = names.fold_email(wanted.email)
    attempt(Limit.REGISTRATION, subject=key, origin=origin)
    attempt(Limit.REGISTRATION_DAILY, subject=key, origin=origin)
    hashed = make_password(password)
    with transaction.atomic():
        registration = Registration.objects.create(
            email=wanted.email,
            email_key=key,
            name=wanted.name,
            password=hashed,
            expires_at=origin.at + timedelta(days=UNSENT_DAYS),
        )
        kind = MailKind.CONFIRM_EMAIL
        queue_mail(kind=kind, address=wanted.email, about=registration.pk, origin=origin)


def prepare_confirmation(mail: Mail, origin: Origin) -> Message | None:
    """Make the mail with the link; if the address has an account, tell its owner that instead."""
    delete_some(Registration.objects.filter(expires_at__lte=origin.at))
    key = names.fold_email(mail.address)
    owner = User.objects.filter(email_key=key).first()
    if owner is not None:
        _end_attempts(key)
        return Message(owner.email, Template.ALREADY_REGISTERED, {"ip": mail.ip})
    token = link_tokens.new_token()
    ends = origin.at + timedelta(hours=link_tokens.CONFIRM_HOURS)
    registration = Registration.objects.filter(pk=mail.about)
    if not registration.update(digest=link_tokens.digest(token), expires_at=ends):
        return None
    values = {"link": link(settings.CONFIRM_URL, token), "hours": link_tokens.CONFIRM_HOURS, "ip": mail.ip}
    return Message(mail.address, Template.CONFIRM_EMAIL, values)


def account_behind(token: str, now: datetime) -> str:
    """Return the address to which this token was mailed, or "" if the token is not valid."""
    good = Registration.objects.filter(digest=link_tokens.digest(token), expires_at__gt=now)
    return good.values_list("email", flat=True).first() or ""


def finish_registration(*, token: str, password: str, origin: Origin) -> User:
    """Create the account of the person to whom the token was mailed, with the profile's role for newcomers.

    The token works once. `password` must be the password of the same registration; a wrong one does not spend
    the token. All other registrations of the address end. Raises TooManyAttempts, or Invalid, naming
    `password` or `token`, also if registration was closed meanwhile.
    """
    good = Registration.objects.filter(digest=link_tokens.digest(token), expires_at__gt=origin.at)
    registration = good.first()
    if registration is None or not profiles.active().login.registration_role:
        raise link_tokens.refused()
    _prove(registration, password, origin)
    with transaction.atomic():
        if registration not in _end_attempts(registration.email_key):
            raise link_tokens.refused()
        user = _person(registration)
        _insert(user)
        detail = {"role": user.role, "by": "registration"}
        target = Target.of("user", user)
        record(EventName.USER_CREATED, actor=as_actor(user), origin=origin, target=target, detail=detail)
    return user


def _prove(registration: Registration, password: str, origin: Origin) -> None:
    """Count an attempt, and check the password of the registration. Raises TooManyAttempts or Invalid."""
    if not password:
        raise Invalid("password", "is required: send the password that you chose when you registered")
    attempt(Limit.CONFIRMATION, subject=f"registration {registration.pk}", origin=origin)
    if not check_password(password, registration.password):
        raise Invalid(
            "password",
            "does not match the registration that this link belongs to. If you registered more than once, "
            "use the link in the other mail; if you did not choose this password, register again",
        )


def _end_attempts(email_key: str) -> list[Registration]:
    """Delete all registrations of an address and return them; locks them in order, to avoid deadlocks."""
    attempts = Registration.objects.filter(email_key=email_key).order_by("pk")
    ended = list(attempts.select_for_update())
    Registration.objects.filter(pk__in=[each.pk for each in ended]).delete()
    return ended


def _person(registration: Registration) -> User:
    return User(
        email=registration.email,
        email_verified=True,
        name=registration.name,
        password=registration.password,
        role=profiles.active().login.registration_role,
    )


def _insert(user: User) -> None:
    """Store `user`. Raises Invalid if an administrator has created an account with this address meanwhile."""
    try:
        insert_user(user)
    except Conflict:
        raise link_tokens.refused() from None
