"""An authenticator app, written from RFC 6238 and RFC 4226 alone, and people who have one."""

import base64
import hmac
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from access.principals import Caller, Credential
from accounts.models import SecondFactor, User
from accounts.second_factor.services import begin_enrolment, confirm_enrolment
from accounts.users.principals import principal_of
from audit.actors import Origin
from tests.conftest import PASSWORD, Api


@dataclass
class App:
    """What somebody has on their phone, and the recovery codes that they have written down."""

    secret: str
    recovery_codes: list[str]

    def code(self, at: datetime | None = None, *, steps: int = 0) -> str:
        """The code at a moment, now if none is given, or so many steps later."""
        counter = int((at or datetime.now(UTC)).timestamp()) // 30 + steps
        digest = hmac.digest(base64.b32decode(self.secret), struct.pack(">Q", counter), "sha1")
        start = digest[-1] & 15
        number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
        return str(number)[-6:].zfill(6)


def caller_at(user: User, moment: datetime) -> Caller:
    """A person at a page of ours, at some moment."""
    return Caller(
        principal_of(user, Credential("jwt", str(uuid4()), proven_at=moment)),
        Origin("192.0.2.1", "a-request", moment),
    )


def enrolled(user: User, *, before: timedelta = timedelta(minutes=5)) -> App:
    """The app of somebody who has confirmed it some minutes ago, so that the present code is unspent."""
    caller = caller_at(user, datetime.now(UTC) - before)
    app = App(begin_enrolment(caller=caller, password=PASSWORD).secret, [])
    codes = confirm_enrolment(caller=caller, code=app.code(caller.origin.at))
    return replace(app, recovery_codes=codes)


def secret_in(address: str) -> str:
    """The secret in an otpauth:// address."""
    return parse_qs(urlsplit(address).query)["secret"][0]


def let_codes_be_good_again() -> None:
    """Do as if no code had been spent yet."""
    SecondFactor.objects.update(last_step=0)


def attempt(user: User, **more: Any) -> Any:
    """Log in with the right password."""
    return Api().post("auth/login", {"username": user.username, "password": PASSWORD, **more})


def logged_in(user: User, app: App) -> Api:
    """The API as a person who has logged in with a code of their app."""
    answer = attempt(user, totp_code=app.code())
    assert answer.status_code == 200, answer.content
    return Api({"Authorization": f"Bearer {answer.json()['access_token']}"})
