from typing import Any

from access.callers import caller_at_command_line
from accounts.users.lookups import organization_named, user_named
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import say
from config.wire.fields import timestamp
from oauth.services.clients import create_client

WARNING = (
    "Warning: without PKCE, only the client's secret, its state and its nonce protect a stolen code "
    "(RFC 9700 section 2.1.1). Register the client again when it can send a code_challenge."
)


class Command(KeyhouseCommand):
    help = "Register an OAuth2 client and print its secret, which is shown only this once."
    examples = (
        "{} --name Dashboard --redirect-uri https://app.example.org/callback --scope services:read",
        "{} --name Importer --organization Acme --scope services:write",
        "{} --name 'Command line' --public --device-grant --scope services:read",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", required=True, help="name that the consent page shows")
        parser.add_argument(
            "--redirect-uri",
            action="append",
            default=[],
            help="where the browser goes after the person has decided; can be given several times",
        )
        parser.add_argument(
            "--post-logout-redirect-uri",
            action="append",
            default=[],
            help="where the browser goes after the client's logout; can be given several times",
        )
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            help="scope that the client may request; can be given several times",
        )
        parser.add_argument("--public", action="store_true", help="for a client that cannot keep a secret")
        parser.add_argument(
            "--no-pkce",
            action="store_true",
            help="only for a client that has a secret and cannot send a code_challenge",
        )
        parser.add_argument(
            "--device-grant",
            action="store_true",
            help="for a client on devices: it may show a code that people type at /device (RFC 8628)",
        )
        owner = parser.add_mutually_exclusive_group()
        owner.add_argument("--user", help="make the client a machine that acts for this person")
        owner.add_argument("--organization", help="make the client a machine that acts for this organization")

    def run(self, options: dict[str, Any]) -> Output:
        owner: Any = None
        if options["user"] is not None:
            owner = user_named(options["user"])
        elif options["organization"] is not None:
            owner = organization_named(options["organization"])
        made = create_client(
            caller=caller_at_command_line(),
            name=options["name"],
            scopes=options["scope"],
            redirect_uris=options["redirect_uri"],
            post_logout_redirect_uris=options["post_logout_redirect_uri"],
            owner=owner,
            is_public=options["public"],
            without_pkce=options["no_pkce"],
            device_grant=options["device_grant"],
        )
        if options["no_pkce"]:
            say(WARNING)
        row = made.row
        document = {
            "client_id": row.client_id,
            "client_secret": made.secret or None,
            "name": row.name,
            "redirect_uris": row.redirect_uris.split(),
            "scopes": row.scopes,
            "created_at": timestamp(row.created),
            "post_logout_redirect_uris": row.post_logout_redirect_uris.split(),
            "device_grant": row.device_grant,
        }
        secret = f"client_secret: {made.secret} (shown only now)" if made.secret else "It has no secret."
        return Output(document, f"Client {row.name} registered.\nclient_id: {row.client_id}\n{secret}")
