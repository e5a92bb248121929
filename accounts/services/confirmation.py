"""The one endpoint and page behind links that prove an e-mail address."""

from accounts import mailed_tokens
from accounts.models import EmailChange, User
from accounts.services.email_change import finish_change
from accounts.services.registration import finish_registration
from accounts.services.throttle import attempt
from audit.actors import Origin
from config.limits import Limit


def confirm_email(*, token: str, password: str = "", origin: Origin) -> User:
    """Finish what the mailed token is about: another address, or a registration, which takes its password.

    Raises TooManyAttempts, or Invalid, naming `token` or `password`.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    if EmailChange.objects.filter(digest=mailed_tokens.digest(token)).exists():
        return finish_change(token=token, origin=origin)
    return finish_registration(token=token, password=password, origin=origin)
