"""The one endpoint and page behind links that prove an e-mail address."""

from accounts import mailed_tokens
from accounts.models import EmailChange, User
from accounts.services.email_change import finish_change
from accounts.services.registration import finish_registration
from accounts.services.throttle import attempt
from audit.actors import Origin
from config.limits import Limit


def confirm_email(*, token: str, origin: Origin) -> User:
    """Finish what the mailed token is about: another address, or a registration.

    Raises Invalid or TooManyAttempts.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    is_change = EmailChange.objects.filter(digest=mailed_tokens.digest(token)).exists()
    finish = finish_change if is_change else finish_registration
    return finish(token=token, origin=origin)
