"""Features in use, though not by the keys that are measured."""

from access.callers import caller_at_command_line
from accounts.organizations.services import create_organization
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.services import change_key_quota
from apikeys.services.api_keys import create_api_key
from webhooks.services.webhooks import create_webhook

URL = "https://hooks.example.org/"


def turn_on() -> None:
    """Give another key a quota, and have its revocation sent to a webhook."""
    caller = caller_at_command_line()
    organization = create_organization(caller=caller, name="Features")
    key = create_api_key(caller=caller, name="limited", owner=organization, granted=["services:read"]).row
    change_key_quota(caller=caller, key=key, changes=QuotaChanges(day=1_000))
    create_webhook(caller=caller, url=URL, organization=organization, events=["api_key.revoked"])
