"""Inviting people to an organization over the API, and accepting with what was mailed."""

from typing import Any

from accounts.mail.delivery import send_due
from accounts.models import Membership, Organization, User
from tests.accounts.mailbox import Mailbox, token_in
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem

EVE = "eve@example.net"  # has no account
MALLORY = "mallory@example.org"  # has one


class Inviting:
    """A person before an organization's invitations."""

    def __init__(self, user: User, organization: Organization) -> None:
        self.api = as_user(user)
        self.path = f"organizations/{organization.uuid}/invitations"

    def invite(self, **sent: Any) -> Any:
        return self.api.post(self.path, {"email": EVE, "role": "developer"} | sent)

    def list(self) -> Any:
        return self.api.get(self.path).json()["results"]

    def withdraw(self, invitation: str) -> Any:
        return self.api.delete(f"{self.path}/{invitation}")

    def resend(self, invitation: str) -> Any:
        return self.api.post(f"{self.path}/{invitation}/resend")

    def mailed(self, mailbox: Mailbox, address: str = EVE) -> str:
        """The token in the last mail to an address, once all is sent."""
        send_due()
        return token_in(mailbox.to(address)[-1])


def accept(token: str, password: str | None = PASSWORD, api: Api | None = None, **more: Any) -> Any:
    """Accept as somebody new, or without a password as somebody known."""
    sent = {"token": token, **({"password": password} if password else {}), **more}
    return (api or Api()).post("auth/accept-invitation", sent)


def assert_dead(token: str) -> None:
    """Assert that the link works neither for a new person nor for a known one."""
    for password in (PASSWORD, None):
        assert_problem(accept(token, password), 400, "invalid", "token")


def invited(cast: Cast, mailbox: Mailbox, email: str = EVE, by: User | None = None, **sent: Any) -> str:
    """The token that was mailed to somebody who is invited to Acme."""
    acme = Inviting(by or cast.ada, cast.acme)
    assert acme.invite(email=email, **sent).status_code == 201
    return acme.mailed(mailbox, email)


def roles_of(email: str) -> dict[str, str]:
    """The organizations of the person with this address, and the role in each."""
    found = Membership.objects.filter(user__email=email).select_related("organization")
    return {row.organization.name: row.role for row in found}
