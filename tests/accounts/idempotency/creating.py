"""Every request that creates something and takes an Idempotency-Key, and how to send it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from accounts.models import Invitation, Membership, Organization, User
from apikeys.models import ApiKey
from tests.conftest import PASSWORD, Api, Cast

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
NEWCOMER = {"username": "newer", "email": "newer@example.net", "password": PASSWORD, "role": "member"}


class Creation(NamedTuple):
    """A request of ada: its path, its members, others that are right too, and the table of what it makes."""

    path: Callable[[Cast], str]
    members: Callable[[Cast], dict[str, Any]]
    others: Callable[[Cast], dict[str, Any]]
    table: Any


CREATIONS = {
    "a person": Creation(
        lambda cast: "users",
        lambda cast: NEWCOMER,
        lambda cast: NEWCOMER | {"email": "newest@example.net"},
        User,
    ),
    "an organization": Creation(
        lambda cast: "organizations",
        lambda cast: {"name": "Initech"},
        lambda cast: {"name": "Globex"},
        Organization,
    ),
    "a member": Creation(
        lambda cast: f"organizations/{cast.acme.uuid}/members",
        lambda cast: {"user": str(cast.mallory.uuid), "role": "developer"},
        lambda cast: {"user": str(cast.mallory.uuid), "role": "owner"},
        Membership,
    ),
    "an invitation": Creation(
        lambda cast: f"organizations/{cast.acme.uuid}/invitations",
        lambda cast: {"email": "newer@example.net", "role": "developer"},
        lambda cast: {"email": "newest@example.net", "role": "developer"},
        Invitation,
    ),
    "an invitation to an account": Creation(
        lambda cast: "users/invitations",
        lambda cast: {"email": "newer@example.net", "role": "member"},
        lambda cast: {"email": "newest@example.net", "role": "member"},
        Invitation,
    ),
    "a key": Creation(
        lambda cast: "api-keys",
        lambda cast: {"name": "CI", "organization": str(cast.acme.uuid), "scopes": ["services:read"]},
        lambda cast: {"name": "CI", "organization": str(cast.acme.uuid)},
        ApiKey,
    ),
    "a successor of a key": Creation(
        lambda cast: f"api-keys/{ApiKey.objects.earliest('pk').uuid}/rotate",
        lambda cast: {"overlap": "24h"},
        lambda cast: {"overlap": "23h"},
        ApiKey,
    ),
}


def send(api: Api, path: str, members: Any, key: str = KEY) -> Any:
    return api.post(path, members, headers={"Idempotency-Key": key})


def is_replayed(response: Any) -> bool:
    """Whether the response is that of an earlier request. Fails for other values of the header."""
    said: str | None = response.headers.get("Idempotent-Replayed")
    assert said in {None, "true"}
    return said == "true"
