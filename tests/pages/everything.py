"""Rows of every kind, in every state that pages show: `python -m tests.pages.everything` in an installation.

Three people look at the pages: sue is a superuser, olive owns an organization, lou has the lowest role.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import django

from tests.pages.device import make_device

if TYPE_CHECKING:
    from access.principals import Caller
    from accounts.models import Organization, User

PASSWORD = "a long walk to the lighthouse"
MAILED = "5" * 64  # the token of every mailed link
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LONG = "Everything that belongs to no other department"
DAY = timedelta(days=1)


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["KEYHOUSE_LEASE_MS"] = "0"
    django.setup()
    make_everything()


def make_everything() -> None:
    """Make people, then what they have, and an event of every kind."""
    from access.callers import caller_at_command_line
    from access.principals import Caller
    from accounts.organizations.services import create_organization
    from audit.actors import Origin

    now = datetime.now(UTC)
    caller = Caller(caller_at_command_line().principal, Origin("192.0.2.1", "everything", now))
    acme = create_organization(caller=caller, name="Acme")
    other = create_organization(caller=caller, name=LONG)
    type(other).objects.filter(pk=other.pk).update(requires_second_factor=True)
    people = make_people(caller, acme, other)
    make_passkeys(people["app"], now)
    make_sessions(people, now)
    make_invitations(people, acme, now)
    make_provider(people, acme, now)
    make_mailed_links(people, now)
    make_clients(caller, people, acme, now)
    for owner in (acme, people["lou"]):
        make_keys(caller, owner, now)
    make_webhooks(caller, acme, now)
    make_events(people, acme, now)


def make_people(caller: "Caller", acme: "Organization", other: "Organization") -> "dict[str, User]":
    """People with and without a user name, a full name, a verified address, a second factor, a known role."""
    from accounts.models import SecondFactor, SecondFactorRecovery, User
    from accounts.users.services import create_user

    joined = {"olive": [(acme, "owner")], "dan": [(acme, "developer"), (other, "owner")]}
    names = ("sue", "olive", "lou", "dan", "disabled", "verified", "required", "app", "unconfirmed", "lost")
    people = {
        name: create_user(
            caller=caller,
            username=None if name == "verified" else name,
            email=f"{name}@example.org",
            name="" if name in ("dan", "lou") else f"{name} Doe".title(),
            role="member",
            password=PASSWORD,
            is_superuser=name == "sue",
            memberships=joined.get(name, ()),
        )
        for name in names
    }

    def change(name: str, **columns: Any) -> None:
        User.objects.filter(pk=people[name].pk).update(**columns)

    now = caller.origin.at
    change("disabled", is_active=False, role="no longer a role", last_login_at=now - 90 * DAY)
    change("verified", email_verified=True, last_login_at=now - timedelta(minutes=3))
    change("required", must_have_second_factor=True)
    for name in ("app", "unconfirmed", "lost"):
        is_good = name != "unconfirmed"
        confirmed_at = now - 40 * DAY if is_good else None
        device = SecondFactor.objects.create(
            user=people[name], confirmed=is_good, confirmed_at=confirmed_at, seed=""
        )
        if name == "lost":
            SecondFactorRecovery.objects.create(device=device, started_at=now, ends_at=now + 3 * DAY)
    return people


def make_passkeys(owner: "User", now: datetime) -> None:
    """Passkeys used and unused, of one device and of several, for this host and for another."""
    from accounts.models import Passkey, SecondFactor

    states: list[dict[str, Any]] = [
        {"name": "Laptop", "rp_id": "localhost", "backed_up": True, "last_used_at": now},
        {"name": LONG[:100], "rp_id": "keys.example.org", "backed_up": False},
    ]
    unused = {"public_key": b"", "sign_count": 0, "backup_eligible": True, "created_at": now - 40 * DAY}
    device = SecondFactor.objects.get(user=owner)
    for number, state in enumerate(states):
        Passkey.objects.create(second_factor=device, credential_id=bytes([number]), **unused, **state)


def make_sessions(people: "dict[str, User]", now: datetime) -> None:
    """Sessions of browsers and programs, with and without a second factor: live, ended, idle, expired."""
    from accounts.models import Session

    states: list[dict[str, Any]] = [
        {"user_agent": FIREFOX, "ip": "10.1.2.3", "second_factor": True},
        {"ended_at": now - DAY, "user_agent": "curl/8.5.0", "ip": "2001:db8:85a3:8d3:1319:8a2e:370:7348"},
        {"last_seen_at": now - 60 * DAY},
        {"expires_at": now - DAY, "user_agent": "x" * 200},
    ]
    for name in ("olive", "app"):
        for state in states:
            usual = {"created_at": now - 70 * DAY, "last_seen_at": now, "expires_at": now + 20 * DAY}
            Session.objects.create(user=people[name], refresh_digest=b"", **{**usual, **state})


def make_invitations(people: "dict[str, User]", acme: "Organization", now: datetime) -> None:
    """Invitations to an organization and to an account, open and expired, of a person and of a program."""
    from accounts.models import Invitation

    states: list[dict[str, Any]] = [
        {"organization": acme, "email": "open@example.net", "role": "developer"},
        {"organization": acme, "email": "late@example.net", "role": "owner", "expires_at": now - DAY},
        {"email": "account@example.net", "role": "member"},
        {"email": "program@example.net", "role": "member", "made_with": "api_key", "made_by": acme.uuid},
    ]
    for number, state in enumerate(states):
        usual = {"invited_by": people["sue"], "created_at": now - 5 * DAY, "expires_at": now + DAY}
        Invitation.objects.create(email_key=f"{number}", **{**usual, **state})


def make_provider(people: "dict[str, User]", acme: "Organization", now: datetime) -> None:
    """An identity provider, domains that are proven and not, and rules with and without a writer."""
    from federation.models import Domain, Provider, RoleRule

    provider = Provider.objects.create(
        organization=acme,
        issuer="https://id.example.org",
        client_id="keyhouse",
        algorithm="RS256",
        role_claim="groups",
        trusted_amr=["mfa", "hwk"],
        created_at=now,
        tested_at=now,
    )
    for name, proven_at in (("acme.example", now), ("a-subsidiary-with-a-long-name.acme.example", None)):
        Domain.objects.create(
            organization=acme, name=name, token="0" * 32, created_at=now, proven_at=proven_at
        )
    for position, value, role, writer in (
        (1, LONG, "owner", people["sue"]),
        (2, "", "developer", None),
    ):
        RoleRule.objects.create(
            provider=provider, value=value, role=role, position=position, written_by=writer
        )


def make_mailed_links(people: "dict[str, User]", now: datetime) -> None:
    """Links to each page behind a mail."""
    from accounts.mail.link_tokens import digest
    from accounts.models import EmailChange, EmailUndo, Invitation, PasswordReset, RecoveryLink

    olive, mailed = people["olive"], {"digest": digest(MAILED), "expires_at": now + DAY}
    RecoveryLink.objects.create(user=olive, **mailed)
    EmailUndo.objects.create(user=olive, email="old@example.org", **mailed)
    EmailChange.objects.create(user=olive, email="new@example.org", **mailed)
    PasswordReset.objects.create(user=olive, email_key="olive@example.org", **mailed)
    Invitation.objects.filter(email="open@example.net").update(digest=digest(MAILED))


def make_clients(caller: "Caller", people: "dict[str, User]", acme: "Organization", now: datetime) -> None:
    """Clients of each kind, and consents, new, old and over."""
    from oauth.models import Consent
    from oauth.services.clients import create_client

    callback, both = ["https://app.example.org/callback"], ["services:read", "keys:read"]
    web: dict[str, Any] = {"redirect_uris": callback}
    made = [
        create_client(caller=caller, name=name, **options)
        for name, options in {
            "Board": {"scopes": both, "owner": None, **web},
            LONG: {"scopes": ["services:read"], "owner": None, "without_pkce": True, **web},
            "App": {
                "scopes": both,
                "is_public": True,
                "post_logout_redirect_uris": callback,
                **web,
            },
            "Command line": {"scopes": both, "is_public": True, "device_grant": True},
            "Machine of a person": {"scopes": ["introspect"], "owner": people["sue"]},
            "Machine of Acme": {"scopes": ["services:read"], "owner": acme},
        }.items()
    ]
    make_device(made[3].row, both, now)
    for name in ("sue", "olive", "lou"):
        for number, client in enumerate(made[:3]):
            at = now - 20 * number * DAY
            times = dict.fromkeys(("authenticated_at", "created_at", "last_used_at"), at)
            Consent.objects.create(
                user=people[name],
                client=client.row,
                scopes=both[number % 2 :],
                expires_at=now + 30 * DAY,
                **times,
            )


def make_keys(caller: "Caller", owner: "Organization | User", now: datetime) -> None:
    """Keys of one owner: in each state, and with everything that a key may have."""
    from accounts.models import Organization
    from apikeys.models import ApiKey, KeyUse, Outcome, QuotaLedger, ScopeUse
    from apikeys.services.api_keys import create_api_key
    from apikeys.services.rotation import rotate_api_key

    def make(name: str, *scopes: str, **columns: Any) -> ApiKey:
        key = create_api_key(caller=caller, name=name, owner=owner, granted=scopes or ("services:read",))
        ApiKey.objects.filter(pk=key.row.pk).update(created_at=now - 100 * DAY, **columns)
        return key.row

    make("Active")
    make("Expiring", expires_at=now + 3 * DAY)
    make("Expired", expires_at=now - 3 * DAY)
    make("Disabled", disabled_at=now - DAY)
    make("Revoked", revoked_at=now - DAY)
    make("Revoked for a reason", revoked_at=now - DAY, revoked_reason="found in a log", created_by=None)
    make("Of a token that ended", revoked_at=now, made_through_id=10**6, expires_at=now + DAY)
    make("Without scopes", scopes=[])
    make("word" * 25)
    limits = {"allowed_networks": ["192.0.2.0/24", "2001:db8::/32"], "rate_requests": 100, "rate_seconds": 60}
    known = {"attributes": {"tier": "gold"}, "scopes": ["services:write", "forgotten:scope", "keys:read"]}
    used = {"last_used_at": now - timedelta(hours=2), "last_used_ip": "10.1.2.3", "use_count": 128_204}
    whole = make(LONG, expires_at=now + 300 * DAY, scope_uses_since=now - 90 * DAY, **limits, **known, **used)
    hour = int(now.timestamp()) // 3600 * 3600
    for outcome in Outcome:
        KeyUse.objects.create(key=whole, begins_at=hour - 3600, seconds=3600, outcome=outcome, count=7)
    ScopeUse.objects.create(key=whole, scope="services:write", last_used_at=now - timedelta(hours=2))
    rotate_api_key(caller=caller, key=make("Rotated"), expires_at=now + 90 * DAY, overlap=DAY)
    used = {"day": now.date(), "day_used": 9_412, "month_used": 180_000, "total_used": 2_000_000}
    most = {"day_most": 10_000, "month_most": 200_000, "total_most": 2_000_000}
    QuotaLedger.objects.create(counted_as=whole.uuid, **most, **used)
    if isinstance(owner, Organization):
        QuotaLedger.objects.create(organization=owner, month_most=1_000_000, counts="reports")


def make_webhooks(caller: "Caller", acme: "Organization", now: datetime) -> None:
    """A webhook that is disabled, one that fails, and one of all with a long name that works."""
    from webhooks.models import Delivery, Webhook
    from webhooks.services.webhooks import create_webhook

    def make(owner: "Organization | None", host: str, status: int | None, **columns: Any) -> None:
        url = f"https://{host}/keyhouse"
        made = create_webhook(caller=caller, organization=owner, url=url, events=["api_key.revoked"])
        Webhook.objects.filter(pk=made.row.pk).update(**columns)
        problem = "" if status else "no answer in time"
        shown = {"event": "api_key.revoked", "milliseconds": 84, "status": status, "problem": problem}
        Delivery.objects.create(webhook=made.row, message_id=acme.uuid, sent_at=now, **shown)

    make(acme, "stopped.example.org", 410, disabled_at=now - DAY, stop="gone", description="Our SIEM")
    make(acme, "down.example.org", None, failing_since=now - DAY, next_try_at=now + DAY)
    make(None, f"{'long-' * 9}name.example.org", 204)


def make_events(people: "dict[str, User]", acme: "Organization", now: datetime) -> None:
    """An event of every kind, by every kind of actor, about somebody and about nothing."""
    from audit.actors import NOTHING, Actor, Origin, Target
    from audit.events import EventName
    from audit.log import record

    sue = people["sue"]
    actors = (
        *(Actor("user", str(sue.uuid), "sue"), Actor("api_key", str(acme.uuid), "CI")),
        *(Actor("oauth2", str(acme.uuid), "Board"), Actor("operator", "", "root"), Actor("anonymous")),
    )
    origins = (Origin("203.0.113.7", "a-request", now), Origin("", "", now - 3 * DAY))
    for number, name in enumerate(EventName):
        target = Target.of("organization", acme) if number % 2 else NOTHING
        detail = {"reason": "wrong_password", "scopes": ["services:read"]} if number % 3 else None
        actor, origin = actors[number % len(actors)], origins[number % len(origins)]
        record(name, actor=actor, origin=origin, target=target, detail=detail)


if __name__ == "__main__":
    main()
