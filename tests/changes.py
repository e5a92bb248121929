"""One request for every address outside the admin that takes more than GET, for tests that send it twice."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.views.generic import RedirectView
from rest_framework.views import APIView

from accounts.invitations.services import invite
from accounts.mail.delivery import send_due
from accounts.models import Session
from accounts.notifications.unsubscribe import link_of
from accounts.passwords.services import forgot_password
from accounts.second_factor.services import begin_enrolment
from audit.actors import Origin
from oauth.models import Consent
from oauth.services.clients import NewClient
from tests.accounts.authenticator import App, enrolled, let_codes_be_good_again, logged_in
from tests.accounts.helpers import caller_as
from tests.accounts.mailbox import Mailbox, token_in
from tests.apikeys.changes import KEYS
from tests.conftest import PASSWORD, Api, Cast, as_user, log_in, make_cast, make_key
from tests.console.changes import CONSOLE
from tests.federation.changes import FEDERATION
from tests.leaks.github import known_github
from tests.oauth.devices.changes import DEVICES
from tests.oauth.flow import BASE, FORM, Flow, make_client, post, with_token

OTHER = "another walk to another lighthouse"
NEW = "new@example.net"
NEWER = "newer@example.net"

Send = Callable[[], Any]


class World(NamedTuple):
    """Ada administers everything. Bob has logged in twice, and has given a client his consent."""

    cast: Cast
    ada: Api
    bob: Api
    flow: Flow
    tokens: dict[str, Any]
    ids: dict[str, Any]
    mailbox: Mailbox | None = None


def make_world() -> World:
    cast = make_cast()
    bob, ada = as_user(cast.bob), caller_as(cast.ada)
    log_in(cast.bob)
    flow = Flow(make_client("openid", "services:read"), cast.bob, scope="openid services:read")
    tokens = flow.tokens()
    key = make_key(cast.bob, "services:read").row
    ids = {
        "user": cast.mallory.uuid,
        "member": cast.bob.uuid,
        "organization": cast.umbrella.uuid,
        "session": Session.objects.filter(user=cast.bob)[1].uuid,  # the newest is the browser's
        "consent": Consent.objects.get().uuid,
        "invitation": invite(caller=ada, organization=cast.acme, email=NEW, role="developer").uuid,
        "account-invitation": invite(caller=ada, organization=None, email=NEW, role="member").uuid,
        "api-key": key.uuid,
    }
    return World(cast, as_user(cast.ada), bob, flow, tokens, ids)


# {"METHOD name": (who sends it, the body)}
JSON: dict[str, tuple[str, Any]] = {
    "POST login": ("bob", {"username": "bob", "password": PASSWORD}),
    "POST logout": ("bob", None),
    "POST logout-everywhere": ("bob", None),
    "PATCH me": ("bob", {"name": "Robert"}),
    "POST change-password": ("bob", {"current_password": PASSWORD, "new_password": OTHER}),
    "POST change-email": ("bob", {"new_email": NEWER, "current_password": PASSWORD}),
    "POST forgot-password": ("bob", {"email": "bob@example.org"}),
    "POST totp": ("bob", {"password": PASSWORD}),
    "DELETE session-list": ("bob", None),
    "DELETE session-detail": ("bob", None),
    "DELETE consent-detail": ("bob", None),
    "POST account-invitation-list": ("ada", {"email": NEWER, "role": "member"}),
    "POST account-invitation-resend": ("ada", None),
    "DELETE account-invitation-detail": ("ada", None),
    "POST user-list": ("ada", {"username": "newer", "email": NEWER, "password": OTHER, "role": "member"}),
    "PATCH user-detail": ("ada", {"name": "Mal", "role": "auditor", "is_active": False}),
    "DELETE user-detail": ("ada", None),
    "DELETE user-session-list": ("ada", None),
    "DELETE user-session-detail": ("ada", None),
    "POST organization-list": ("ada", {"name": "Initech"}),
    "PATCH organization-detail": ("ada", {"name": "Parasol", "requires_second_factor": True}),
    "DELETE organization-detail": ("ada", None),
    "PATCH member-detail": ("ada", {"role": "owner"}),
    "DELETE member-detail": ("ada", None),
    "POST invitation-list": ("ada", {"email": NEWER, "role": "developer"}),
    "POST invitation-resend": ("ada", None),
    "DELETE invitation-detail": ("ada", None),
    "POST api-key-list": ("bob", {"name": "another key"}),
    "PATCH api-key-detail": ("bob", {"name": "another name", "rate_limit": {"requests": 5, "seconds": 1}}),
    "DELETE api-key-detail": ("bob", None),
    "POST api-key-disable": ("bob", None),
    "POST api-key-rotate": ("bob", {}),
    "POST gateway-introspect": ("ada", {"token": "x"}),
    "POST leaks": ("bob", {"tokens": ["kh_live_4fG9sLQpXeR7bTnVwYzAcDhJkMuNq1gUWFIy"]}),
}


def by_json(world: World, endpoint: str) -> Send:
    """Send a JSON body to an address whose ids are in `world.ids`."""
    who, body = JSON[endpoint]
    return lambda: _send(world, getattr(world, who), endpoint, body)


def _send(world: World, api: Api, endpoint: str, body: Any = None) -> Any:
    method, _, name = endpoint.partition(" ")
    kind = "-".join(name.split("-")[:-1]).removeprefix("user-")
    ids = {
        "organization_id": world.cast.acme.uuid,
        "user_id": world.cast.bob.uuid,
        "pk": world.ids.get(kind or "user", world.ids["user"]),
    }
    address = reverse(name, kwargs={each: ids[each] for each in parameters()[name]})
    if method == "DELETE":
        return api.delete(address, data=body, content_type="application/json")
    return getattr(api, method.lower())(address, body)


def add_member(world: World) -> Send:
    body = {"user": str(world.cast.mallory.uuid), "role": "developer"}
    return lambda: _send(world, world.ada, "POST member-list", body)


def refresh(world: World) -> Send:
    body = {"refresh_token": log_in(world.cast.bob)["refresh_token"]}
    return lambda: _send(world, Api(), "POST refresh", body)


def mailed(world: World, address: str) -> str:
    """Return the token of the last link mailed to this address."""
    assert world.mailbox
    send_due()
    return token_in(world.mailbox.to(address)[-1])


def reset_password(world: World) -> Send:
    forgot_password(email="bob@example.org", origin=Origin.here())
    body = {"token": mailed(world, "bob@example.org"), "new_password": OTHER}
    return lambda: _send(world, Api(), "POST reset-password", body)


def accept_invitation(world: World) -> Send:
    email = "mallory@example.org"
    caller = caller_as(world.cast.ada)
    invite(caller=caller, organization=world.cast.acme, email=email, role="developer")
    body = {"token": mailed(world, email)}
    return lambda: _send(world, Api(), "POST accept-invitation", body)


def confirm_second_factor(world: World) -> Send:
    app = App(begin_enrolment(caller=caller_as(world.cast.bob), password=PASSWORD).secret, [])
    return lambda: _send(world, world.bob, "POST totp-confirm", {"code": app.code()})


def remove_second_factor(world: World, endpoint: str = "DELETE totp") -> Send:
    app = enrolled(world.cast.bob)
    let_codes_be_good_again()
    api, body = logged_in(world.cast.bob, app), {"password": PASSWORD, "code": app.recovery_codes[0]}
    return lambda: _send(world, api, endpoint, body)


def replace_recovery_codes(world: World) -> Send:
    return remove_second_factor(world, "POST totp-recovery-codes")


def user_info(world: World) -> Send:
    return lambda: _send(world, with_token(world.tokens), "POST oauth2-userinfo")


def machine(world: World) -> NewClient:
    return make_client("services:read", owner=world.cast.acme)


def machine_token(world: World) -> Send:
    client = machine(world)
    return lambda: post("token", client, grant_type="client_credentials")


def revoke_token(world: World) -> Send:
    client = machine(world)
    token = post("token", client, grant_type="client_credentials").json()["access_token"]
    return lambda: post("revoke", client, token=token)


def introspect(world: World) -> Send:
    client = machine(world)
    return lambda: post("introspect", client, token="x")


def authorize(world: World) -> Send:
    address = world.flow.address()
    return lambda: world.flow.browser.post(address, content_type=FORM)


def decide(world: World) -> Send:
    address = world.flow.address()
    return lambda: world.flow.answer(address)


def log_in_at_client(world: World) -> Send:
    return lambda: Flow(world.flow.client, world.cast.bob).log_in(world.flow.address())


def log_out_by_client(world: World) -> Send:
    return lambda: world.flow.browser.post(f"{BASE}/logout")


def answer_logout(world: World) -> Send:
    return lambda: world.flow.browser.post(f"{BASE}/logout/answer")


def unsubscribe(world: World) -> Send:
    token = link_of(world.cast.bob).partition("token=")[2]
    return lambda: Api().client.post("/unsubscribe", {"token": token})


def change_password_by_name(world: World) -> Send:
    form = {"identifier": "bob", "password": PASSWORD, "new_password": OTHER}
    return lambda: Api().client.post("/change-password", form)


def report_by_github(world: World) -> Send:
    github, text = known_github(), make_key(world.cast.bob).text
    return lambda: github.report(text)


OTHERS: dict[str, Callable[[World], Send]] = {
    **CONSOLE,
    **DEVICES,
    **KEYS,
    **FEDERATION,
    "POST member-list": add_member,
    "POST refresh": refresh,
    "POST reset-password": reset_password,
    "POST accept-invitation": accept_invitation,
    "POST totp-confirm": confirm_second_factor,
    "DELETE totp": remove_second_factor,
    "POST totp-recovery-codes": replace_recovery_codes,
    "POST oauth2-userinfo": user_info,
    "POST oauth2-token": machine_token,
    "POST oauth2-revoke": revoke_token,
    "POST oauth2-introspect": introspect,
    "POST oauth2-authorize": authorize,
    "POST oauth2-decision": decide,
    "POST oauth2-login": log_in_at_client,
    "POST oauth2-logout": log_out_by_client,
    "POST oauth2-logout-answer": answer_logout,
    "POST change-password-page": change_password_by_name,
    "POST unsubscribe-page": unsubscribe,
    "POST leaks-github": report_by_github,
}
# Addresses that need a mailed link, which works once, or a provider that answers: their own tests use it
# twice. And registration, which is closed in this profile, and records nothing, since it only queues a mail.
LEFT_OUT = {
    *("POST register", "POST register-page", "POST confirm-email"),
    *("POST reset-password-page", "POST confirm-email-page", "POST accept-invitation-page"),
    *("POST undo-email-change-page", "POST recovery-page"),
    *("POST organization-login-page", "POST organization-link-page", "POST organization-logout"),
    "POST console-provider-edit",
}


def addresses() -> set[str]:
    """Return "METHOD name" of every address outside the admin that takes more than GET."""
    return {f"{method} {pattern.name}" for pattern in _patterns() for method in _methods(pattern)}


def parameters() -> dict[str, tuple[str, ...]]:
    """Return the parameters of each address's path, by name."""
    return {str(pattern.name): tuple(pattern.pattern.regex.groupindex) for pattern in _patterns()}


def _patterns(of: Any = None) -> Iterator[Any]:
    for pattern in (of or get_resolver()).url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from _patterns(pattern)


def _methods(pattern: Any) -> set[str]:
    view = pattern.callback
    kind: type = getattr(view, "cls", getattr(view, "view_class", object))
    if not issubclass(kind, APIView):
        return {"POST"} if hasattr(kind, "post") and not issubclass(kind, RedirectView) else set()
    taken = getattr(view, "actions", None) or dir(kind)
    return {method.upper() for method in taken if method in {"post", "put", "patch", "delete"}}
