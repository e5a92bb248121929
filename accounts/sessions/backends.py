"""What Django's admin needs to know a logged-in browser: the same people, the same rules."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.passwords.rules import LONGEST
from accounts.sessions.services import check_identity, check_second_factor, note_login
from audit.actors import Origin
from config.wire.errors import InvalidCredentials


class IdentifierBackend(BaseBackend):
    """Log in by whatever the profile says, with the checks, the limits and the audit of the API's login.

    `authenticate` raises TooManyAttempts.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        totp_code: str = "",
        **_: Any,
    ) -> User | None:
        """Return who that is, and on `proven_device` which second factor they proved. Raises TotpRequired."""
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
        """The user of a browser session, as long as they are active."""
        return User.objects.filter(pk=user_id, is_active=True).first()
