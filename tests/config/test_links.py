"""Absolute links lead to KEYHOUSE_PUBLIC_URL, not to the address that a proxy calls (RFC 9110 7.2)."""

import pytest
from pytest_django.fixtures import Settings

from tests.conftest import Cast, as_user, make_key
from tests.installation import Installation, log_in_as_admin

pytestmark = [pytest.mark.requirement(43), pytest.mark.once]

PUBLIC = "https://keys.example.org"
INNER: list[dict[str, str]] = [
    {"Host": "keyhouse.internal:8000"},
    {"Host": "keys.example.org"},
    {"Host": "KEYS.example.org.:443", "X-Forwarded-Proto": "http"},
    {"Host": "127.0.0.1", "X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "81"},
]


@pytest.mark.parametrize("headers", INNER, ids=str)
def test_the_next_page_is_at_the_public_address(
    cast: Cast, settings: Settings, headers: dict[str, str]
) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = PUBLIC, ["*"]
    for _ in range(3):
        make_key(cast.alice)
    alice = as_user(cast.alice)
    first = alice.get("api-keys?page_size=1", headers=headers).json()
    assert first["next"].startswith(f"{PUBLIC}/api/v1/api-keys?cursor=")
    assert first["next"].endswith("&page_size=1")
    second = alice.get(first["next"].removeprefix(PUBLIC), headers=headers).json()
    assert second["previous"].startswith(f"{PUBLIC}/api/v1/api-keys?cursor=")


def test_no_answer_of_a_server_behind_a_proxy_names_the_inner_host(installation: Installation) -> None:
    settings = {"KEYHOUSE_PUBLIC_URL": PUBLIC, "ALLOWED_HOSTS": "inner.example"}
    with installation.serve("--workers", "1", **settings) as server:
        headers = log_in_as_admin(server) | {"Host": "inner.example"}
        for number in range(2):
            body = {"name": f"key {number}"}
            assert server.request("POST", "/api/v1/api-keys", headers=headers, body=body).status == 201
        for path in (
            "/api/v1/api-keys?page_size=1",
            "/api/v1/audit?page_size=1",
            "/api/v1/users?page_size=1",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
            "/schema",
            "/docs",
            "/admin/",
            "/admin/login/",
            "/reset-password",
            "/api/v1/auth/oauth2/authorize",
            "/api/v1/nowhere",
            "/api/v1/auth/oauth2/userinfo",
        ):
            answer = server.request("GET", path, headers=headers)
            assert answer.status < 500
            assert b"inner.example" not in answer.body, path
            assert "inner.example" not in str(answer.headers), path
