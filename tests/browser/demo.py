"""An installation with something to see in it: `python -m tests.browser.demo`, in its environment."""

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import django

if TYPE_CHECKING:
    from accounts.models import User
    from apikeys.usage.services import Cell, Use

PASSWORD = "a long walk to the lighthouse"
MAILED = "5" * 64  # the token of alice's links
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PEOPLE = ("alice", "bob", "carol", "dave")
KEYS = (
    # name, owner, scopes, age and length of life in days, hours since the last use, uses in all, by the hour
    ("Stock service", "Acme", ("services:read", "services:write"), 200, 365, 0.1, 128_204, 52),
    ("Nightly export", "Acme", ("services:read",), 420, None, 9, 417, 3),
    ("CI", "bob", ("services:read", "keys:read"), 80, 90, 1.5, 5_120, 14),
    ("Old importer", "Umbrella", ("services:write",), 300, None, 24 * 140, 12, 0),
    ("Laptop", "alice", ("services:read",), 20, 60, 30, 88, 1),
    ("Grafana", "Umbrella", ("services:read", "audit:read"), 45, 365, 0.02, 64_410, 30),
    ("Trial", "carol", ("services:read",), 5, 30, None, 0, 0),
    ("Kiosk", "Acme", ("services:read",), 3, None, 2, 31, 2),
)
WEEK = 7 * 24  # hours


def main() -> None:
    """Make people, organizations, keys, a week of uses and two weeks of logins."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["KEYHOUSE_LEASE_MS"] = "0"
    django.setup()

    from access.callers import caller_at_command_line
    from access.principals import Caller, Credential
    from accounts.invitations.services import invite
    from accounts.models import User
    from accounts.organizations.services import create_organization
    from accounts.sessions.services import log_in
    from accounts.users.principals import principal_of
    from accounts.users.services import create_user
    from apikeys.models import ApiKey
    from apikeys.services.api_keys import create_api_key
    from apikeys.services.enabling import disable_api_keys
    from apikeys.services.revocation import revoke_api_keys
    from apikeys.usage.services import write_uses
    from audit.actors import ANONYMOUS, Actor, Origin
    from audit.events import EventName
    from audit.log import record
    from oauth.models import Consent
    from oauth.services.clients import create_client
    from tests.pages.everything import make_webhooks

    now = datetime.now(UTC)
    operator = caller_at_command_line().principal
    caller = Caller(operator, Origin("", "demo", now))
    organizations = {name: create_organization(caller=caller, name=name) for name in ("Acme", "Umbrella")}
    people = {
        name: create_user(
            caller=caller,
            username=name,
            email=f"{name}@example.org",
            name=name.capitalize(),
            role="member",
            password=PASSWORD,
            memberships=[(organizations["Acme"], "owner" if number == 0 else "developer")],
        )
        for number, name in enumerate(PEOPLE)
    }
    rows = []
    for name, owner, scopes, age, length, unused, count, busy in KEYS:
        made = now - timedelta(days=age)
        key = create_api_key(
            caller=Caller(operator, Origin("", "demo", made)),
            name=name,
            owner=organizations.get(owner) or people[owner],
            granted=scopes,
            expires_at=made + timedelta(days=length) if length else None,
        )
        rows.append(key.row)
        if unused is not None:
            write_uses(uses(key.row.pk, scopes[0], unused, busy, now), skip_locked=False)
            used = {"use_count": count, "last_used_at": now - timedelta(hours=unused)}
            ApiKey.objects.filter(pk=key.row.pk).update(**used, last_used_ip="10.1.2.3")
    client = create_client(
        caller=caller,
        name="Board",
        scopes=["services:read"],
        redirect_uris=["https://board.example.org/"],
        owner=None,
    )
    alice = User.objects.get(username="alice")
    Consent.objects.create(
        user=alice,
        client=client.row,
        scopes=["services:read"],
        authenticated_at=now,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=30),
    )
    origin = Origin("10.1.2.3", "demo", now)
    log_in(identifier="alice", password=PASSWORD, origin=origin, user_agent=FIREFOX)
    recover(alice, now)
    make_webhooks(caller, organizations["Acme"], now)
    admin = User.objects.get(username="admin")
    inviter = Caller(principal_of(admin, Credential("jwt", "")), origin)
    invite(caller=inviter, organization=organizations["Acme"], email="erin@example.org", role="developer")
    disable_api_keys(caller=caller, selected=rows[4:5])
    revoke_api_keys(caller=caller, selected=rows[6:7], reason="the trial is over")
    who = Actor("user", str(admin.uuid), "admin")
    for day in range(13, -1, -1):
        at = now - timedelta(days=day, minutes=5)
        for _ in range(4 + day * 7 % 9):
            record(EventName.LOGIN_SUCCEEDED, actor=who, origin=Origin("10.1.2.3", "demo", at))
        for _ in range((day + 1) * 5 % 4):
            record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin("203.0.113.7", "demo", at))
        for _ in range((day + 2) % 3):
            record(EventName.API_KEY_REFUSED, actor=ANONYMOUS, origin=Origin("203.0.113.7", "demo", at))


def recover(alice: "User", now: datetime) -> None:
    """Alice, who owns an old key and made a new one, has just reset her password, and has lost her phone."""
    from access.principals import Caller, Credential
    from accounts.mail.link_tokens import digest
    from accounts.models import RecoveryLink, SecondFactor
    from accounts.users.principals import principal_of
    from apikeys.services.api_keys import create_api_key
    from audit.actors import Origin
    from tests.pages.everything import make_passkeys

    login = Credential("jwt", str(uuid4()), proven_at=now)
    caller = Caller(principal_of(alice, login), Origin("203.0.113.7", "demo", now))
    create_api_key(caller=caller, name="Sync", owner=alice, granted=["services:read"])
    SecondFactor.objects.create(user=alice, confirmed=True, confirmed_at=now, seed="")
    make_passkeys(alice, now)
    RecoveryLink.objects.create(user=alice, digest=digest(MAILED), expires_at=now + timedelta(days=7))


def uses(number: int, scope: str, unused: float, busy: int, now: datetime) -> "dict[Cell, Use]":
    """More by day than by night, and now and then some that are refused."""
    from apikeys.models import Outcome
    from apikeys.usage.services import Use

    found: dict[Cell, Use] = {}
    for ago in range(int(unused), WEEK):
        at = now - timedelta(hours=max(ago, unused))
        hour = int(at.timestamp()) // 3600 * 3600
        times = busy * (14 - abs(14 - at.hour)) * (17 + ago * 7 % 5) // 17
        refused = {5: (Outcome.RATE, busy * 3), 11: (Outcome.SCOPE, busy), 17: (Outcome.NETWORK, busy // 2)}
        for outcome, count in ((Outcome.ALLOWED, times), refused.get(ago % 29, (Outcome.ENDED, 0))):
            if count:
                needed = (scope,) if outcome is Outcome.ALLOWED else ()
                found[number, hour, outcome, needed] = Use(count, at, "10.1.2.3")
    return found


if __name__ == "__main__":
    main()
