"""A client that uses canonical names for every product.

It knows the profile's data, and nothing of config.wire: so it would notice if that did otherwise.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.models import User
from config.profiles import Profile
from tests.accounts.authenticator import App, enrolled, let_codes_be_good_again
from tests.conftest import PASSWORD

Credential = Mapping[str, str]
NOBODY: Credential = {}
# Every canonical name that the tests read in an answer.
MEMBERS = (
    "id",
    "name",
    "key",
    "key_prefix",
    "scopes",
    "status",
    "expires_at",
    "created_at",
    "description",
    "email",
    "username",
    "role",
    "is_active",
    "access_token",
    "refresh_token",
    "current",
    "event",
)


@dataclass
class Heard:
    """An answer: `body` has canonical names, `raw` what was sent."""

    status: int
    headers: Mapping[str, str]
    raw: Any
    body: Any

    def __getitem__(self, member: str) -> Any:
        return self.body[member]


@dataclass
class Speaker:
    """Speaks to the API of one product."""

    profile: Profile
    apps: dict[int, App] = field(default_factory=dict)

    def path(self, path: str) -> str:
        """Return the address of a canonical path below the base path."""
        moved = {"users": self.profile.paths.users, "api-keys": self.profile.paths.api_keys}
        there = re.sub(r"^[a-z-]+", lambda first: moved.get(first[0], first[0]), path)
        return f"{self.profile.base_path}/{there}"

    def spelled(self, resource: str, member: str) -> str:
        """Return the product's name of a member."""
        names = self.profile.wire.names
        camel = self.profile.wire.case == "camel"
        other = re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), member) if camel else member
        return names.get(f"{resource}.{member}") or names.get(member) or other

    def shows(self, resource: str, member: str) -> bool:
        """Whether the product's answers have this member."""
        shown = self.profile.wire.members.get(resource)
        return shown is None or member in shown

    def send(
        self,
        method: str,
        path: str,
        resource: str,
        members: Mapping[str, Any] | None = None,
        *,
        by: Credential = NOBODY,
    ) -> Heard:
        """Send a request about a resource; `members` are canonical."""
        spelled = {self.spelled(resource, name): value for name, value in (members or {}).items()}
        body, kind = ("", "") if members is None else (json.dumps(spelled), "application/json")
        client = Client(headers=dict(by), raise_request_exception=False)
        return self.heard(resource, client.generic(method, self.path(path), body, content_type=kind))

    def heard(self, resource: str, response: Any) -> Heard:
        raw = response.json() if response.content and "json" in response.headers["Content-Type"] else None
        envelope = self.profile.wire.envelope
        body = raw[envelope] if envelope and raw is not None and response.status_code < 400 else raw
        return Heard(response.status_code, response.headers, raw, self._canonical(resource, body))

    def _canonical(self, resource: str, body: Any) -> Any:
        if isinstance(body, list):
            return [self._canonical(resource, each) for each in body]
        if not isinstance(body, dict):
            return body
        if "results" in body:
            return self._canonical(resource, body["results"])
        names = {self.spelled(resource, member): member for member in self.known_members()}
        return {names.get(name, name): value for name, value in body.items()}

    def known_members(self) -> list[str]:
        return [*MEMBERS, *self.profile.keys.attributes]

    def named(self, user: User) -> dict[str, str]:
        """Return the identifier by which this product's people log in."""
        return {kind: str(getattr(user, kind)) for kind in self.profile.login.identifiers[:1]}

    def logged_in(self, user: User, password: str = PASSWORD) -> Heard:
        """Log in and return the answer. Sends a code if the product requires a second factor for anything."""
        members = {**self.named(user), "password": password}
        if self.profile.login.second_factor_for:
            members["totp_code"] = self._app(user).code()
        return self.send("POST", "auth/login", "login", members)

    def _app(self, user: User) -> App:
        if user.pk not in self.apps:
            self.apps[user.pk] = enrolled(user)
        let_codes_be_good_again()
        return self.apps[user.pk]

    def token_of(self, user: User) -> Credential:
        """Log a person in, and return their header."""
        answer = self.logged_in(user)
        assert answer.status == 200, answer.raw
        return bearer(answer["access_token"])

    def key(self, text: str) -> Credential:
        """Return the header of a key."""
        header = self.profile.keys.header
        return {header: text} if header else bearer(text)

    def make_key(self, by: Credential, **members: Any) -> Heard:
        """Create a key with all scopes, or with those given."""
        wanted = {"name": "a key", "scopes": list(self.profile.scopes), **members}
        return self.send("POST", "api-keys", "api_key_created", wanted, by=by)

    def ask_gateway(self, method: str, uri: str, by: Credential) -> int:
        asked = {"X-Original-Method": method, "X-Original-URI": uri}
        status: int = Client(headers={**by, **asked}).get("/gateway/check").status_code
        return status


def bearer(token: str) -> Credential:
    return {"Authorization": f"Bearer {token}"}


def everything_role(profile: Profile) -> str:
    """Return the first global role that may do everything."""
    return next(name for name in profile.roles_of_level("global") if profile.roles[name].capabilities == "*")


def least_role(profile: Profile) -> str:
    """Return the global role that may do least in Keyhouse itself."""
    return min(
        profile.roles_of_level("global"),
        key=lambda name: len(profile.power_of_role(name, "global").capabilities),
    )
