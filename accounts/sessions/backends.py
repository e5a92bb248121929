"""The authentication backend of Django's admin: the same people and the same rules as the API."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.passwords.rules import LONGEST
from accounts.sessions.services import check_identity, check_second_factor, note_login
from audit.actors import Origin
from config.wire.errors import InvalidCredentials


class IdentifierBackend(BaseBackend):
    """Logs in with the profile's identifiers, and with the checks, limits and audit of the API's login."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        totp_code: str = "",
        **_: Any,
    ) -> User | None:
        """Return the user, with the second factor that they proved in `proven_device`; None if refused.

        Raises TotpRequired, RecoveryUnderWay, TooManyAttempts or Busy.
        """
        if request is None or not username or not password or len(password) > LONGEST:
            return None
        origin = Origin.of(request)
        try:
            user = check_identity(identifier=username, password=password, origin=origin)
            proof = check_second_factor(user=user, code=totp_code, origin=origin)
            note_login(user, origin, proof)
        except InvalidCredentials:
            return None
        user.proven_device = proof.device if proof else None
        return user

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a browser session while they are active."""
        return User.objects.filter(pk=user_id, is_active=True).first()
