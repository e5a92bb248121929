"""Use case behind the links that confirm an e-mail address."""

from accounts.mail import link_tokens
from accounts.mail.email_change import finish_change
from accounts.mail.registration import finish_registration
from accounts.models import EmailChange, User
from accounts.throttling.services import attempt
from audit.actors import Origin
from config.limits import Limit


def confirm_email(*, token: str, password: str = "", origin: Origin) -> User:
    """Finish the change of address or the registration that the token belongs to.

    `password` is the password of a registration; a change of address needs none.

    Raises TooManyAttempts, or Invalid, naming `token` or `password`.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    if EmailChange.objects.filter(digest=link_tokens.digest(token)).exists():
        return finish_change(token=token, origin=origin)
    return finish_registration(token=token, password=password, origin=origin)
