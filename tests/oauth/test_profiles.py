"""A profile enables all of OAuth2 or nothing of it."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace

from config import profiles
from config.profiles import Profile
from config.profiles.login import OAuth2
from tests.admin.helpers import text_of
from tests.conftest import Api, Cast, assert_problem
from tests.logins import browser
from tests.oauth.flow import Flow, make_client

PATHS = ("authorize", "login", "allowed", "token", "revoke", "introspect", "userinfo", "consents")
WELL_KNOWN = ("oauth-authorization-server", "openid-configuration", "jwks.json")


def test_a_profile_without_the_table_has_no_oauth2(
    cast: Cast, served_profile: Callable[[Profile], None]
) -> None:
    tokens = Flow(make_client(), cast.alice).tokens()
    served_profile(Profile("test", replace(profiles.active().file, oauth2=None)))
    for path in (
        *(f"auth/oauth2/{name}" for name in PATHS),
        *(f"/.well-known/{name}" for name in WELL_KNOWN),
    ):
        assert_problem(Api().get(path), 404)
    assert Api({"Authorization": f"Bearer {tokens['access_token']}"}).get("auth/me").status_code == 401
    index = text_of(browser(cast.ada).get("/admin/"))
    assert "OAuth2 clients" not in index and "Consents" not in index


@pytest.mark.parametrize("name", ["sentrikat", "sentinelnerd", "sequenceware", "dariet"])
def test_every_other_profile_gets_it_by_one_line(
    name: str, db: None, served_profile: Callable[[Profile], None]
) -> None:
    profile = profiles.load(name)
    assert profile.oauth2 is None
    served_profile(Profile("test", replace(profile.file, oauth2=OAuth2())))
    said = Client().get("/.well-known/openid-configuration").json()
    assert said["token_endpoint"].endswith(f"{profile.base_path}/auth/oauth2/token")
    assert set(profile.scopes) < set(said["scopes_supported"])
    assert reverse("oauth2-introspect") == f"{profile.base_path}/auth/oauth2/introspect"
