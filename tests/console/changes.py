"""A form for every address of the console that takes one, for tests that send it twice."""

from collections.abc import Callable
from typing import Any

from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Passkey, Session, User
from accounts.second_factor.services import begin_enrolment
from apikeys.models import ApiKeyQuerySet
from apikeys.services.enabling import disable_api_keys
from tests.accounts.authenticator import App, enrolled
from tests.accounts.helpers import caller_as
from tests.accounts.passkeys.authenticator import ADD, CONFIRM, Authenticator, added, at_localhost, begun
from tests.conftest import PASSWORD
from tests.console.helpers import console_of
from tests.webhooks.changes import WEBHOOKS


def log_in(world: Any) -> Callable[[], Any]:
    form = {"identifier": "bob", "password": PASSWORD}
    return lambda: Client().post("/account/login", form)  # another browser each time


def log_out(world: Any) -> Callable[[], Any]:
    return lambda: world.flow.browser.post("/account/logout")


def end_session(world: Any) -> Callable[[], Any]:
    form = {"session": str(Session.objects.filter(user=world.cast.bob)[1].uuid)}
    return lambda: world.flow.browser.post("/account/sessions", form)


def withdraw_consent(world: Any) -> Callable[[], Any]:
    form = {"consent": str(world.ids["consent"])}
    return lambda: world.flow.browser.post("/account/applications", form)


def forget_password(world: Any) -> Callable[[], Any]:
    return lambda: world.flow.browser.post("/account/forgot-password", {"email": "bob@example.org"})


def of_organization(
    address: str, form: dict[str, str], *parameters: str
) -> Callable[[Any], Callable[[], Any]]:
    """Send a form as ada to the page of Acme, or of bob's membership there, or of no organization."""

    def prepare(world: Any) -> Callable[[], Any]:
        ids = {"organization": world.cast.acme.uuid, "user": world.cast.bob.uuid}
        path = reverse(address, kwargs={each: ids[each] for each in parameters})
        sent = {name: text.format(**world.ids) for name, text in form.items()}
        browser = console_of(world.cast.ada)
        return lambda: browser.post(path, sent)

    return prepare


def type_on_page(address: str, **form: str) -> Callable[[Any], Callable[[], Any]]:
    """Send a form of the console as Bob."""
    return lambda world: lambda: world.flow.browser.post(f"/account/{address}", form)


def confirm_on_page(world: Any) -> Callable[[], Any]:
    app = App(begin_enrolment(caller=caller_as(world.cast.bob), password=PASSWORD).secret, [])
    address = "/account/security/authenticator/confirm"
    return lambda: world.flow.browser.post(address, {"code": app.code()})


def prove_on_page(address: str) -> Callable[[Any], Callable[[], Any]]:
    """Send the password and a recovery code as Bob, who has a second factor, on a page of the console."""

    def prepare(world: Any) -> Callable[[], Any]:
        app = enrolled(world.cast.bob)
        client = console_of(world.cast.bob, totp_code=app.code())
        form = {"password": PASSWORD, "code": app.recovery_codes[0]}
        return lambda: client.post(f"/account/security/{address}", form)

    return prepare


def at_localhost_as_bob(world: Any) -> Callable[[], Any]:
    client = at_localhost(world.cast.bob)
    return lambda: client.post(ADD, {"password": PASSWORD})


def add_passkey(world: Any) -> Callable[[], Any]:
    client, key = at_localhost(world.cast.bob), Authenticator()
    form = {"name": "Laptop", "passkey": key.made(begun(client))}
    return lambda: client.post(CONFIRM, form)


def remove_passkey(world: Any) -> Callable[[], Any]:
    client = at_localhost(world.cast.bob)
    codes = added(client, Authenticator())
    address = reverse("console-passkey-remove", args=[Passkey.objects.get().uuid])
    return lambda: client.post(address, {"password": PASSWORD, "code": codes[0]})


def rename_passkey(world: Any) -> Callable[[], Any]:
    client = at_localhost(world.cast.bob)
    added(client, Authenticator())
    address = reverse("console-passkey-rename", args=[Passkey.objects.get().uuid])
    return lambda: client.post(address, {"name": "Phone"})


def make_key(world: Any) -> Callable[[], Any]:
    address = reverse("console-key-new")
    form = world.flow.browser.get(address).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value} | {"name": "another key"}
    return lambda: world.flow.browser.post(address, sent)


def of_key(what: str, **form: str) -> Callable[[Any], Callable[[], Any]]:
    """Send the form of a page about bob's key."""

    def prepare(world: Any) -> Callable[[], Any]:
        address = reverse(f"console-key-{what}", args=[world.ids["api-key"]])
        return lambda: world.flow.browser.post(address, form)

    return prepare


def make_disabled(keys: ApiKeyQuerySet) -> None:
    """Let their owner disable keys."""
    disable_api_keys(caller=caller_as(User.objects.get(api_keys__in=keys)), selected=keys)


def enable_key(world: Any) -> Callable[[], Any]:
    make_disabled(world.cast.bob.api_keys.all())
    return of_key("enable", confirmed="True")(world)


def make_unneeded(keys: ApiKeyQuerySet) -> None:
    """Let keys have scopes that they have not needed for a long time."""
    keys.update(created_at="2026-01-01T00:00:00Z", last_used_at=timezone.now())


def make_narrowed(keys: ApiKeyQuerySet) -> None:
    """Let keys have just lost all their scopes."""
    keys.update(wider_scopes=F("scopes"), scopes=[], narrowed_at=timezone.now())


def narrow_key(world: Any) -> Callable[[], Any]:
    make_unneeded(world.cast.bob.api_keys.all())
    return of_key("narrow", confirmed="True")(world)


def widen_key(world: Any) -> Callable[[], Any]:
    make_narrowed(world.cast.bob.api_keys.all())
    return of_key("widen", confirmed="True")(world)


CONSOLE: dict[str, Callable[[Any], Callable[[], Any]]] = {
    **WEBHOOKS,
    "POST console-applications": withdraw_consent,
    "POST console-sessions": end_session,
    "POST console-key-new": make_key,
    "POST console-key-edit": of_key("edit", **{"name": "another name", "initial-name": "a key"}),
    "POST console-key-quota": of_key("quota", **{"quota_day": "10", "initial-quota_day": ""}),
    "POST console-key-rotate": of_key("rotate", confirmed="True"),
    "POST console-key-disable": of_key("disable", confirmed="True"),
    "POST console-key-enable": enable_key,
    "POST console-key-narrow": narrow_key,
    "POST console-key-widen": widen_key,
    "POST console-key-revoke": of_key("revoke", confirmed="True"),
    "POST login-page": log_in,
    "POST logout-page": log_out,
    "POST forgot-password-page": forget_password,
    "POST proof-page": type_on_page("prove", password=PASSWORD),
    "POST console-password": type_on_page(
        "security/password", current_password=PASSWORD, new_password="another walk to another lighthouse"
    ),
    "POST console-authenticator": type_on_page("security/authenticator", password=PASSWORD),
    "POST console-confirm": confirm_on_page,
    "POST console-replace": prove_on_page("authenticator/replace"),
    "POST console-remove": prove_on_page("authenticator/remove"),
    "POST console-passkey-add": at_localhost_as_bob,
    "POST console-passkey-confirm": add_passkey,
    "POST console-passkey-rename": rename_passkey,
    "POST console-passkey-remove": remove_passkey,
    "POST console-recovery-codes": prove_on_page("recovery-codes"),
    "POST console-profile": type_on_page("profile", name="Robert"),
    "POST console-email": type_on_page(
        "profile/email", new_email="newer@example.net", current_password=PASSWORD
    ),
    "POST console-mails": type_on_page("profile/mails", notifications="unused"),
    "POST console-organization-new": of_organization("console-organization-new", {"name": "Initech"}),
    **{
        f"POST {address}": of_organization(address, form, "organization")
        for address, form in {
            "console-organization-settings": {"name": "Parasol", "requires_second_factor": "on"},
            "console-organization-quota": {"quota_month": "10", "initial-quota_month": ""},
            "console-organization-delete": {},
            "console-member-add": {"user": "mallory", "role": "developer"},
            "console-invitations": {"withdraw": "{invitation}"},
            "console-invitation-new": {"email": "newer@example.net", "role": "developer"},
        }.items()
    },
    **{
        f"POST {address}": of_organization(address, form, "organization", "user")
        for address, form in {"console-member": {"role": "owner"}, "console-member-remove": {}}.items()
    },
}
