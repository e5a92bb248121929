"""Every endpoint x role x organization x credential: who gets through, and how the others are refused.

The endpoints come from the URL configuration, what they need from the views; what must follow is worked
out here, from the profile's roles alone. Everything with an id is asked about Acme and bob, who works there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from access.callers import caller_at_command_line
from access.permissions import Need
from access.principals import Credential
from accounts.invitations.services import invite
from accounts.models import Organization, Session, User
from accounts.users.principals import principal_of
from apikeys.services.revocation import revoke_api_keys
from config import profiles
from config.profiles import Capability
from tests.accounts.helpers import caller_as
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, log_in, make_key, with_key
from tests.oauth.flow import Flow, make_client, with_token
from webhooks.services.webhooks import create_webhook

pytestmark = pytest.mark.once

Outcome = Literal["401", "403", "404", "through"]
THROUGH = {200, 201, 202, 204, 400, 409}
ROLES = ("admin", "auditor", "member")
PLACES = (None, "acme owner", "acme developer", "umbrella owner", "umbrella developer")
CREDENTIALS = ("login", "key", "key without scopes", "ended login", "revoked key", "oauth2")
# What reads the thing that a path names, before anything is done to it, and where that counts.
SEEN_BY = {
    "user": Capability.READ_USERS,
    "organization": Capability.READ_ORGANIZATIONS,
    "member": Capability.READ_ORGANIZATIONS,
    "invitation": Capability.READ_ORGANIZATIONS,
    "api_key": Capability.READ_KEYS,
    "webhook": Capability.READ_AUDIT,
}
GLOBAL_ONLY = {Capability.MANAGE_USERS}
OF_PEOPLE = {
    ("invitation-list", "create"),
    ("invitation-resend", "resend"),
}  # somebody invites in their own name


@dataclass(frozen=True)
class Endpoint:
    method: str
    name: str
    action: str
    need: Need
    parameters: tuple[str, ...]
    resource: str

    @property
    def is_about_one(self) -> bool:
        return bool(self.parameters)


@dataclass(frozen=True)
class Actor:
    """A credential, and what the person or organization behind it may do, by place."""

    description: str
    api: Api
    credential: str
    everywhere: frozenset[Capability] = frozenset()
    in_acme: frozenset[Capability] = frozenset()
    in_umbrella: frozenset[Capability] = frozenset()

    @property
    def is_program(self) -> bool:
        return "key" in self.credential or self.credential == "oauth2"

    def may_somewhere(self, wanted: frozenset[Capability]) -> bool:
        return bool(wanted & (self.everywhere | self.in_acme | self.in_umbrella))

    def may_in_acme(self, wanted: frozenset[Capability]) -> bool:
        return bool(wanted & (self.everywhere | self.in_acme))


def endpoints(patterns: list[Any]) -> Iterator[Endpoint]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and hasattr(getattr(pattern.callback, "cls", None), "needs"):
            view, parameters = pattern.callback.cls, tuple(pattern.pattern.regex.groupindex)  # type: ignore[attr-defined]
            actions = getattr(pattern.callback, "actions", None) or {name: name for name in view.needs}
            for method, action in actions.items():
                if method != "head":
                    resource = getattr(view, "resource", "")
                    name = str(pattern.name)
                    yield Endpoint(method.upper(), name, action, view.needs[action], parameters, resource)


def expected(actor: Actor, endpoint: Endpoint) -> Outcome:
    """What must come of it."""
    if actor.credential in {"none", "ended login", "revoked key"}:
        return "401"
    if endpoint.need == "person":
        if actor.is_program:
            return "403"
        return "404" if endpoint.name in {"session-detail", "consent-detail"} else "through"  # bob's
    if endpoint.name == "oauth2-userinfo":
        return "through" if actor.credential == "oauth2" else "403"
    if endpoint.need == "authenticated":
        return "404" if endpoint.name == "me" and not actor.description.startswith("person") else "through"
    assert isinstance(endpoint.need, frozenset)
    if not actor.may_somewhere(endpoint.need):
        return "403"
    return of_acme(actor, endpoint) if endpoint.is_about_one else of_none(actor, endpoint)


def of_none(actor: Actor, endpoint: Endpoint) -> Outcome:
    """What must come of a list, which shows less to some, or of making something anew."""
    if endpoint.name.startswith("account-invitation"):
        return "through" if Capability.MANAGE_USERS in actor.everywhere else "403"
    if (endpoint.name, endpoint.action) == ("user-list", "create") and actor.is_program:
        return "403"
    if is_of_people(endpoint) and actor.is_program:
        return "403"
    made_by = {
        "user-list": Capability.MANAGE_USERS,
        "organization-list": Capability.MANAGE_ORGANIZATIONS,
        "webhook-list": Capability.MANAGE_KEYS,
    }
    if endpoint.action == "create" and endpoint.name in made_by:
        return "through" if made_by[endpoint.name] in actor.everywhere else "403"
    return "through"


def is_of_people(endpoint: Endpoint) -> bool:
    """Whether programs may not do this, whatever their scopes: they set up no webhooks."""
    return endpoint.resource == "webhook" and endpoint.need == frozenset({Capability.MANAGE_KEYS})


def of_acme(actor: Actor, endpoint: Endpoint) -> Outcome:
    """What must come of a request about something of Acme's."""
    assert isinstance(endpoint.need, frozenset)
    if endpoint.name.startswith(("user-session", "account-invitation")):
        return "through" if Capability.MANAGE_USERS in actor.everywhere else "403"
    if not actor.may_in_acme(frozenset({SEEN_BY[endpoint.resource]})):
        return "404"
    if is_of_people(endpoint) and actor.is_program:
        return "403"
    if endpoint.need & GLOBAL_ONLY:
        return "through" if endpoint.need & actor.everywhere else "403"
    if (endpoint.name, endpoint.action) in OF_PEOPLE and actor.description.startswith("program"):
        return "403"
    wanted = endpoint.need - {Capability.READ_OWN_KEYS, Capability.MANAGE_OWN_KEYS}  # it is not their own
    return "through" if actor.may_in_acme(wanted) else "403"


def capabilities(role: str, level: str) -> frozenset[Capability]:
    return profiles.active().power_of_role(role, level).capabilities


def people(cast: Cast) -> Iterator[Actor]:
    """A person of each role and place, with each credential."""
    for role in ROLES:
        for place in PLACES:
            where, _, inner = (place or "").partition(" ")
            memberships = [(getattr(cast, where), inner)] if place else []
            user = add_user(f"{role}-{where}-{inner}", role, memberships=memberships)
            held = {
                "everywhere": capabilities(role, "global"),
                f"in_{where or 'acme'}": capabilities(inner, "organization"),
            }
            for credential in CREDENTIALS:
                powers = {} if credential == "key without scopes" else held
                description = f"person: {role} {place} with {credential}"
                yield Actor(description, api_of(user, credential), credential, **powers)


def api_of(user: User, credential: str) -> Api:
    """The API as `user`, with a credential of this kind."""
    scopes = sorted(principal_of(user, Credential("jwt", "")).scopes_anywhere)
    match credential:
        case "login":
            return as_user(user)
        case "key":
            return with_key(make_key(user, *scopes))
        case "oauth2":
            scope = " ".join(["openid", *scopes])
            return with_token(Flow(make_client(*scope.split()), user, scope=scope).tokens())
        case "key without scopes":
            return with_key(make_key(user))
        case "ended login":
            api = as_user(user)
            assert api.post("auth/logout").status_code == 204
            return api
    key = make_key(user, *scopes)
    revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    return with_key(key)


def programs(cast: Cast) -> Iterator[Actor]:
    """Keys of organizations, with all scopes, and nobody at all."""
    yield Actor("nobody", Api(), "none")
    everything = frozenset(Capability)
    scopes = list(profiles.active().scopes)
    for name in ("acme", "umbrella"):
        owner: Organization = getattr(cast, name)
        held: dict[str, Any] = {f"in_{name}": everything}
        yield Actor(f"program of {name}", with_key(make_key(owner, *scopes)), "key", **held)


@pytest.fixture
def send(cast: Cast) -> Callable[[Actor, Endpoint], int]:
    """What sends a request about bob and Acme, and takes back whatever it did."""
    log_in(cast.bob)
    ids = {
        "user": cast.bob.uuid,
        "member": cast.bob.uuid,
        "organization": cast.acme.uuid,
        "api_key": make_key(cast.acme).row.uuid,
        "session": Session.objects.get(user=cast.bob).uuid,
        "consent": uuid4(),
        "invitation": invite(
            caller=caller_as(cast.ada), organization=cast.acme, email="new@example.org", role="developer"
        ).uuid,
        "account-invitation": invite(
            caller=caller_as(cast.ada), organization=None, email="new@example.org", role="member"
        ).uuid,
        "webhook": create_webhook(
            caller=caller_as(cast.ada), organization=cast.acme, url="https://hooks.example.org/"
        ).row.uuid,
    }
    bodies: dict[str, Any] = {
        "POST user-list": {"email": "new@example.org", "password": PASSWORD, "role": "member"},
        "PATCH user-detail": {"name": "Robert"},
        "POST organization-list": {"name": "Initech"},
        "PATCH organization-detail": {"name": "Acme & Sons"},
        "POST member-list": {"user": str(cast.mallory.uuid), "role": "developer"},
        "POST account-invitation-list": {"email": "another@example.org", "role": "member"},
        "POST invitation-list": {"email": "another@example.org", "role": "developer"},
        "PATCH member-detail": {"role": "developer"},
        "POST api-key-list": {"name": "a key"},
        "PATCH api-key-detail": {"name": "another name"},
        "PATCH api-key-quota": {"day": 5},
        "PATCH organization-quota": {"day": 5},
        "PATCH me": {"name": "Another"},
        "POST gateway-introspect": {"token": "x"},
        "POST webhook-list": {"url": "https://hooks.example.org/"},
        "PATCH webhook-detail": {"description": "ours"},
        "POST gateway-report": {},
    }

    def request(actor: Actor, endpoint: Endpoint) -> int:
        own = "account-invitation" if endpoint.name.startswith("account-invitation") else endpoint.resource
        named = {p: ids[own if p == "pk" else p.removesuffix("_id")] for p in endpoint.parameters}
        address = reverse(endpoint.name, kwargs=named)
        body = bodies.get(f"{endpoint.method} {endpoint.name}", {})
        with transaction.atomic():
            answer = getattr(actor.api, endpoint.method.lower())(
                address, **({"body": body} if endpoint.method in {"POST", "PATCH"} else {})
            )
            transaction.set_rollback(True)
        status: int = answer.status_code
        return status

    return request


@pytest.mark.requirement(46, 47)
@pytest.mark.slow
def test_everybody_gets_through_exactly_where_they_may(
    strong_owners: None,
    cast: Cast,
    send: Callable[[Actor, Endpoint], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    every_endpoint = list(endpoints(get_resolver().url_patterns))
    every_actor = [*people(cast), *programs(cast)]
    counts: dict[str, int] = {}
    wrong = []
    for actor in every_actor:
        for endpoint in every_endpoint:
            outcome, status = expected(actor, endpoint), send(actor, endpoint)
            counts[outcome] = counts.get(outcome, 0) + 1
            if status not in THROUGH if outcome == "through" else str(status) != outcome:
                wrong.append(
                    f"{actor.description}: {endpoint.method} {endpoint.name}: {status}, not {outcome}"
                )
    with capsys.disabled():
        size = f"{len(every_endpoint)} endpoints x {len(every_actor)} credentials"
        print(f"\nmatrix: {size} = {sum(counts.values())} requests, {dict(sorted(counts.items()))}")
    assert wrong == []
    assert len(every_endpoint) > 30 and min(counts[outcome] for outcome in ("401", "403", "404")) > 50
