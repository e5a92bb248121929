"""An identity provider of Acme in the demo: `python -m tests.browser.demo_login`, after the demo."""

import os
from datetime import UTC, datetime, timedelta

import django


def main() -> None:
    """Make the provider, a proven domain and one that is not, and two rules."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()

    from accounts.models import Organization, User
    from federation.models import Domain, Provider, RoleRule

    now = datetime.now(UTC)
    acme, admin = Organization.objects.get(name="Acme"), User.objects.get(username="admin")
    provider = Provider.objects.create(
        organization=acme,
        issuer="https://id.acme.example",
        client_id="keyhouse",
        algorithm="RS256",
        role_claim="groups",
        trusted_amr=["mfa"],
        created_at=now,
        tested_at=now - timedelta(hours=3),
    )
    token = "8f14e45fceea167a5a36dedd4bea2543"
    for name, proven_at in (("acme.example", now - timedelta(days=1)), ("shop.acme.example", None)):
        Domain.objects.create(organization=acme, name=name, token=token, created_at=now, proven_at=proven_at)
    for position, (value, role) in enumerate((("admins", "owner"), ("", "developer"))):
        RoleRule.objects.create(
            provider=provider, value=value, role=role, position=position, written_by=admin
        )


if __name__ == "__main__":
    main()
