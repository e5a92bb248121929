"""Who sends the example of each operation, and what has happened before."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.invitations.services import invite
from accounts.mail.delivery import send_due
from tests.accounts.authenticator import App, enrolled, let_codes_be_good_again, logged_in, secret_in
from tests.accounts.helpers import caller_as
from tests.accounts.mailbox import Mailbox, token_in
from tests.config.wire.openapi.bodies import document_with_registration
from tests.conftest import PASSWORD, Api, Cast, as_user, log_in, make_key
from tests.leaks.github import known_github
from tests.oauth.devices.flow import proof_of_device
from tests.oauth.flow import make_client
from webhooks.services.webhooks import create_webhook

PASSWORD_OF_GRACE = "seven quiet harbours at dawn"


@dataclass(frozen=True)
class Stage:
    """Who sends an example, which ids its path has, and what it cannot know: ids, tokens and codes."""

    api: Api
    path: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)


Setting = Callable[[Cast, Mailbox], Stage]


def admin(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(as_user(cast.ada))


def anybody(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(Api())


def about(name: str) -> Setting:
    """Ada asks about Acme, or about bob, who works there."""
    return lambda cast, mailbox: Stage(as_user(cast.ada), {"id": getattr(cast, name).uuid})


def in_acme(**known: str) -> Setting:
    def stage(cast: Cast, mailbox: Mailbox) -> Stage:
        path = {"organization_id": cast.acme.uuid, "id": cast.bob.uuid}
        uuids = {name: str(getattr(cast, who).uuid) for name, who in known.items()}
        return Stage(as_user(cast.ada), path, uuids)

    return stage


def own_key(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(as_user(cast.ada), {"id": make_key(cast.ada).row.uuid})


def own_webhook(cast: Cast, mailbox: Mailbox) -> Stage:
    made = create_webhook(caller=caller_as(cast.ada), organization=None, url="https://a.example/")
    return Stage(as_user(cast.ada), {"id": made.row.uuid})


def refreshing(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(Api(), known={"refresh_token": log_in(cast.ada)["refresh_token"]})


def mailed(mailbox: Mailbox, address: str) -> Stage:
    """The person behind an address has followed the link in their last mail."""
    send_due()
    return Stage(Api(), known={"token": token_in(mailbox.to(address)[-1])})


def resetting(cast: Cast, mailbox: Mailbox) -> Stage:
    assert Api().post("auth/forgot-password", {"email": cast.ada.email}).status_code == 200
    return mailed(mailbox, cast.ada.email)


def registered(cast: Cast, mailbox: Mailbox) -> Stage:
    sent = {"email": "grace@example.org", "password": PASSWORD_OF_GRACE}
    assert Api().post("auth/register", sent).status_code == 202
    return mailed(mailbox, "grace@example.org")


def invited(cast: Cast, mailbox: Mailbox) -> Stage:
    invite(caller=caller_as(cast.ada), organization=cast.acme, email="grace@example.org", role="developer")
    return mailed(mailbox, "grace@example.org")


def confirming(cast: Cast, mailbox: Mailbox) -> Stage:
    api = as_user(cast.ada)
    begun = api.post("auth/totp", {"password": PASSWORD}).json()
    return Stage(api, known={"code": App(secret_in(begun["otpauth_uri"]), []).code()})


def with_app(cast: Cast, mailbox: Mailbox) -> Stage:
    app = enrolled(cast.ada)
    api = logged_in(cast.ada, app)
    let_codes_be_good_again()
    return Stage(api, known={"code": app.code()})


def about_a_key(cast: Cast, mailbox: Mailbox) -> Stage:
    key = make_key(cast.bob)
    return Stage(as_user(cast.ada), known={"token": key.text, "credential": f"key:{key.row.uuid}"})


def of_client(**known: Any) -> Setting:
    def stage(cast: Cast, mailbox: Mailbox) -> Stage:
        client = make_client("services:read", owner=cast.ada)
        proof = {"client_id": client.row.client_id, "client_secret": client.secret}
        return Stage(Api(), known=proof | known)

    return stage


def by_github(cast: Cast, mailbox: Mailbox) -> Stage:
    (body,) = document_with_registration().bodies["report_leaks_by_github"]
    return Stage(Api(known_github().signed(json.dumps(body.example).encode())))


STAGES: Mapping[str, Setting] = {
    **dict.fromkeys(("begin_totp", "change_email", "change_me", "change_password"), admin),
    **dict.fromkeys(
        ("create_api_key", "create_organization", "create_user", "create_webhook", "invite_to_account"), admin
    ),
    **dict.fromkeys(("forgot_password", "log_in", "register", "report_leaks"), anybody),
    "accept_invitation": invited,
    "add_member": in_acme(user="mallory"),
    "change_member_role": in_acme(),
    "change_api_key_quota": own_key,
    "change_organization_quota": in_acme(),
    "confirm_email": registered,
    "confirm_totp": confirming,
    "introspect": about_a_key,
    "invite": in_acme(),
    "oauth2_introspect": of_client(token="a token of somebody else"),
    "oauth2_device_authorization": lambda *_: Stage(Api(), known=proof_of_device()),
    "oauth2_revoke": of_client(token="a token that has ended"),
    "oauth2_token": of_client(),
    "refresh": refreshing,
    "remove_totp": with_app,
    "replace_recovery_codes": with_app,
    "report_use": about_a_key,
    "report_leaks_by_github": by_github,
    "reset_password": resetting,
    "rotate_api_key": own_key,
    "update_api_key": own_key,
    "update_organization": about("acme"),
    "update_user": about("bob"),
    **dict.fromkeys(("rotate_webhook_secret", "update_webhook"), own_webhook),
}
