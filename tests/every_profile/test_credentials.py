"""The OpenAPI document names the credentials that each operation takes, as generated clients send them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.utils import timezone

from access.principals import Caller
from accounts.models import User
from accounts.organizations.services import create_organization
from config import profiles
from tests.conftest import make_key
from tests.every_profile.speaker import Credential, Speaker, bearer
from tests.oauth.flow import machine_token, make_client

pytestmark = pytest.mark.once

NOT_FOUND = "00000000-0000-4000-8000-000000000000"
OF_PEOPLE = {"userinfo", "userinfo_by_post", "me"}  # which say nothing to machines
# Services refuse programs these, after they have read the request, which is empty here:
# tests/config/wire/openapi/test_examples.py sends whole ones.
REFUSED_LATER = {
    *("create_user", "create_webhook", "update_webhook", "delete_webhook"),
    *("rotate_webhook_secret", "test_webhook"),
}
Schemes = dict[str, list[str]]


class Operation(NamedTuple):
    method: str
    path: str
    name: str
    schemes: Schemes


def operations() -> Iterator[Operation]:
    """The operations below the base path and at the gateway that take a credential."""
    for path, methods in Client().get("/schema").json()["paths"].items():
        for method, operation in methods.items():
            schemes = {name: scopes for each in operation["security"] for name, scopes in each.items()}
            if schemes and operation["operationId"] != "check":
                yield Operation(method, path, operation["operationId"], schemes)


def lets_in(operation: Operation, credential: Credential) -> bool:
    """Whether an operation takes a credential, whatever it thinks of the request."""
    path = re.sub(r"{\w+}", NOT_FOUND, operation.path)
    client = Client(headers=dict(credential), raise_request_exception=False)
    response = client.generic(operation.method.upper(), path, "{}", content_type="application/json")
    assert response.status_code < 500, operation
    return response.status_code not in {401, 403}


def test_operations_name_keys_if_they_take_them(speaker: Speaker, admin: User) -> None:
    key = speaker.key(make_key(admin, *speaker.profile.scopes, **needed(speaker)).text)
    found = list(operations())
    assert len(found) > 30
    asked = [each for each in found if each.name not in REFUSED_LATER]
    assert not [each for each in asked if lets_in(each, key) != ("api_key" in each.schemes)]
    assert not [each for each in found if each.name in REFUSED_LATER and "api_key" in each.schemes]


def needed(speaker: Speaker) -> dict[str, Any]:
    """What a key of this product cannot be without."""
    days = speaker.profile.keys.longest_days
    return {"expires_at": timezone.now() + timedelta(days=1)} if days else {}


def test_operations_name_the_scope_that_lets_an_oauth2_token_in(
    speaker: Speaker, admin: User, operator: Caller
) -> None:
    if speaker.profile.oauth2 is None:
        assert not [each for each in operations() if "oauth2" in each.schemes]
        return
    every = tuple(speaker.profile.scopes)
    acme = create_organization(caller=operator, name="Acme")
    # An organization may not manage people. A person may need a second factor, which machines do not have.
    clients = [make_client(*every, owner=owner) for owner in (admin, acme)]

    @cache
    def tokens(*scopes: str) -> list[Credential]:
        asked = " ".join(scopes)
        return [bearer(machine_token(client, scope=asked)["access_token"]) for client in clients]

    for operation in operations():
        if operation.name not in OF_PEOPLE | REFUSED_LATER:
            scopes = operation.schemes.get("oauth2")
            found = any(lets_in(operation, token) for token in tokens(*(scopes or every)))
            assert found == (scopes is not None), operation


def test_every_operation_but_userinfo_takes_the_token_of_a_login(speaker: Speaker) -> None:
    for operation in operations():
        assert ("access_token" in operation.schemes) != operation.name.startswith("userinfo")


def test_no_operation_names_two_headers_since_generated_clients_would_send_both(speaker: Speaker) -> None:
    schemes = Client().get("/schema").json()["components"]["securitySchemes"]
    for operation in operations():
        headers = {schemes[name].get("name", "Authorization") for name in operation.schemes}
        assert headers == {"Authorization"} or not profiles.active().keys.bearer
