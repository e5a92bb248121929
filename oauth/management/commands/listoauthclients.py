from typing import Any

from config.commands.base import KeyhouseCommand, Output, listing
from config.database.rows import in_parts
from config.wire.fields import timestamp
from oauth.models import OAuthClient

HEADS = ("client_id", "name", "kind", "owner", "scopes", "created_at")


class Command(KeyhouseCommand):
    help = "List OAuth2 clients, newest first, never with their secrets. Machines have an owner."
    examples = ("{}", "{} --json")

    def run(self, options: dict[str, Any]) -> Output:
        rows = in_parts(OAuthClient.objects.select_related("user", "organization"))
        return listing(HEADS, (_as_document(client) for client in rows), empty="No OAuth2 clients.")


def _as_document(client: OAuthClient) -> dict[str, Any]:
    owner = client.user or client.organization
    return {
        "client_id": client.client_id,
        "name": client.name,
        "kind": client.kind,
        "owner": None if owner is None else str(owner),
        "scopes": client.scopes,
        "redirect_uris": client.redirect_uris.split(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris.split(),
        "without_pkce": client.without_pkce,
        "device_grant": client.device_grant,
        "created_at": timestamp(client.created),
    }
