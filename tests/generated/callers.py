"""Makes the callers of an installation: each role and each kind of credential of its profile.

A caller has a name and several credentials that are equally good, each a set of headers: a request that ends
one of them, such as a logout, leaves the others.
"""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from access.callers import caller_at_command_line
from accounts.models import User
from accounts.organizations.services import create_organization
from config import profiles
from oauth.services.clients import NewClient
from tests.conftest import add_user, make_key
from tests.every_profile.speaker import Speaker, bearer, everything_role, least_role
from tests.oauth.flow import Flow, make_client, parameters


class Callers(NamedTuple):
    """Callers of one kind: their name, and headers that are equally good.

    They `are_let_in` unless no operation that needs a credential takes theirs.
    """

    name: str
    credentials: list[dict[str, str]]
    are_let_in: bool = True


def write(equal: int) -> None:
    """Make people, an organization, keys and clients, and print who they are as callers, in JSON."""
    settings.ALLOWED_HOSTS = ["testserver"]
    nobody = Callers("nobody", [{}, {}], are_let_in=False)
    made = Making(Speaker(profiles.active()), equal)
    json.dump([each._asdict() for each in (nobody, *made.people(), *made.programs())], sys.stdout)


@dataclass
class Making:
    """Makes callers of the active profile, each with `equal` credentials."""

    speaker: Speaker
    equal: int

    def people(self) -> Iterator[Callers]:
        """Yield people in each role who have logged in."""
        profile = self.speaker.profile
        for role in profile.roles_of_level("global"):
            yield self._logged_in(role, self._added(f"global-{role}", role))
        acme = create_organization(caller=caller_at_command_line(), name="Acme")
        for role in profile.roles_of_level("organization"):
            inside = self._added(f"inside-{role}", least_role(profile), memberships=[(acme, role)])
            yield self._logged_in(f"{role} of an organization", inside)

    def _added(self, name: str, role: str, **options: object) -> list[User]:
        return [add_user(f"{name.replace('_', '-')}-{n}", role, **options) for n in range(self.equal)]

    def _logged_in(self, name: str, who: list[User]) -> Callers:
        return Callers(f"{name}, logged in", [dict(self.speaker.token_of(user)) for user in who])

    def programs(self) -> Iterator[Callers]:
        """Yield keys with all scopes and with one, OAuth2 tokens, and an OAuth2 client with its secret."""
        profile, speaker = self.speaker.profile, self.speaker
        owners = self._added("owner", everything_role(profile))
        every = list(profile.scopes)
        as_key = (
            bearer if profile.keys.bearer else speaker.key
        )  # the document names Bearer, where it may be sent
        strong = [make_key(owner, *every).text for owner in owners]
        weak = [make_key(owner, *every[:1]).text for owner in owners]
        own = profile.keys.at_own_endpoints
        yield Callers("key with all scopes", [dict(as_key(text)) for text in strong], own)
        yield Callers("key with one scope", [dict(as_key(text)) for text in weak], own)
        if profile.keys.basic:
            yield Callers("key as a password", [basic("", text) for text in strong], own)
        if profile.oauth2 is not None:
            client = make_client(*every)
            tokens = [_token(client, owner, every) for owner in owners]
            yield Callers("OAuth2 token with all scopes", [dict(bearer(each)) for each in tokens])
            secret = basic(str(client.row.client_id), client.secret)
            yield Callers("OAuth2 client", [secret] * 2, are_let_in=False)


def _token(client: NewClient, owner: User, scopes: list[str]) -> str:
    """Return an access token that a person has allowed this client."""
    flow = Flow(client, owner, scope=" ".join(scopes))
    address = flow.address()
    flow.browser.get(address)
    flow.log_in(address, identifier=owner.email)
    code = parameters(flow.answer(address)["Location"])["code"]
    token: str = flow.exchange(code).json()["access_token"]
    return token


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of Basic authentication (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
