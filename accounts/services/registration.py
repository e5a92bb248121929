"""Use cases of people who add themselves, where the profile lets them."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import mailed_tokens, names
from accounts.letters import Letter, MailKind, Template, link
from accounts.models import Mail, Registration, User
from accounts.passwords import check_password_rules
from accounts.services.outbox import UNSENT_DAYS, queue_mail
from accounts.services.sessions import as_actor
from accounts.services.throttle import attempt
from accounts.services.user_rows import insert_user
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.errors import Conflict, NotFound
from config.limits import Limit


def check_open() -> None:
    """Raise NotFound if the profile lets nobody register."""
    if not profiles.active().login.registration_role:
        raise NotFound("Registration is closed.")


def register(*, email: str, password: str, name: str = "", origin: Origin) -> None:
    """Remember who wants to join, in place of an older try, and have a link mailed to the address.

    Whether the address has an account is looked up when the mail is sent: the request does the
    same for everybody. Raises NotFound where registration is closed, Invalid, or TooManyAttempts.
    """
    check_open()
    wanted = User(email=names.clean_email(email), name=names.clean_name("name", name) if name else "")
    check_password_rules(password, wanted)
    attempt(Limit.REGISTRATION, subject=names.fold(wanted.email), origin=origin)
    values = {
        "email": wanted.email,
        "name": wanted.name,
        "password": make_password(password),
        "digest": None,
        "expires_at": origin.at + timedelta(days=UNSENT_DAYS),
    }
    with transaction.atomic():
        Registration.objects.update_or_create(email_key=names.fold(wanted.email), defaults=values)
        queue_mail(kind=MailKind.CONFIRM_EMAIL, address=wanted.email, origin=origin)


def prepare_confirmation(mail: Mail, origin: Origin) -> Letter | None:
    """Make the link that `mail` is to bring; to whom has an account already, that news instead."""
    Registration.objects.filter(expires_at__lte=origin.at).delete()
    key = names.fold(mail.address)
    registration = Registration.objects.select_for_update().filter(email_key=key).first()
    owner = User.objects.filter(email_key=key).first()
    if owner is not None:
        Registration.objects.filter(email_key=key).delete()
        return Letter(owner.email, Template.ALREADY_REGISTERED, {"ip": mail.ip})
    if registration is None:
        return None
    token = mailed_tokens.new_token()
    Registration.objects.filter(pk=registration.pk).update(
        digest=mailed_tokens.digest(token),
        expires_at=origin.at + timedelta(hours=mailed_tokens.CONFIRM_HOURS),
    )
    values = {"link": link(settings.CONFIRM_URL, token), "hours": mailed_tokens.CONFIRM_HOURS, "ip": mail.ip}
    return Letter(registration.email, Template.CONFIRM_EMAIL, values)


def finish_registration(*, token: str, origin: Origin) -> User:
    """Add the person to whom the token was mailed, with the profile's role for newcomers, once.

    Raises Invalid, naming `token`; also where registration was closed meanwhile.
    """
    good = Registration.objects.filter(digest=mailed_tokens.digest(token), expires_at__gt=origin.at)
    with transaction.atomic():
        registration = good.select_for_update().first()
        if registration is None or not profiles.active().login.registration_role:
            raise mailed_tokens.refused()
        registration.delete()
        user = _person(registration)
        _insert(user)
        detail = {"role": user.role, "by": "registration"}
        target = Target.of("user", user)
        record(EventName.USER_CREATED, actor=as_actor(user), origin=origin, target=target, detail=detail)
    return user


def _person(registration: Registration) -> User:
    return User(
        email=registration.email,
        name=registration.name,
        password=registration.password,
        role=profiles.active().login.registration_role,
    )


def _insert(user: User) -> None:
    """Add `user`, unless an administrator has added somebody with this address meanwhile."""
    try:
        insert_user(user)
    except Conflict:
        raise mailed_tokens.refused() from None
