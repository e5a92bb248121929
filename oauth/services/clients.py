"""Use cases of OAuth2 clients: register, change and delete them, and replace their secrets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from msgspec import UNSET

from access import peppers
from access.leases import wait_out_leases
from access.principals import Caller
from accounts.idempotency.services import Claim, take
from accounts.models import Invitation, Organization, User
from accounts.users import authority
from accounts.users.lookups import lock
from accounts.users.names import clean_name
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.profiles import Capability
from config.wire.errors import Invalid, Sentence
from oauth.changes import ClientChanges
from oauth.locks import lock_clients
from oauth.models import OAuthAccessToken, OAuthClient
from oauth.protocol import tokens
from oauth.protocol.redirect_uris import clean_redirect_uri
from oauth.protocol.scopes import IDENTITY, clean_scopes

# Changes with which others could get what the client gets.
WEAKENING = frozenset({"redirect_uris", "post_logout_redirect_uris", "without_pkce", "device_grant"})


@dataclass(frozen=True)
class NewClient:
    """A client and its secret, which is shown only now; the secret of a public client is empty."""

    row: OAuthClient
    secret: str

    def __repr__(self) -> str:
        return f"NewClient({self.row.client_id})"


def create_client(
    *,
    caller: Caller,
    name: str,
    scopes: Sequence[str],
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    owner: User | Organization | None = None,
    is_public: bool = False,
    without_pkce: bool = False,
    device_grant: bool = False,
    uuid: UUID | None = None,
) -> NewClient:
    """Register a client that asks people for consent, or a machine that acts for its `owner`.

    A client of people needs `redirect_uris`, or `device_grant`. After a logout that it asked for, people may
    be sent to one of its `post_logout_redirect_uris`. Raises Invalid or NotFound, and NotAllowed if the
    client could get more than the caller has; and IntegrityError if there is one with this `uuid`.
    """
    name = clean_name("name", name)
    redirect_uris = clean_redirect_uris(redirect_uris, is_needed=owner is None and not device_grant)
    post_logout_redirect_uris = clean_post_logout(post_logout_redirect_uris)
    _check_kind([*redirect_uris, *post_logout_redirect_uris], owner, is_public=is_public)
    check_pkce(without_pkce=without_pkce, is_public=is_public, is_machine=owner is not None)
    check_device_grant(device_grant, is_machine=owner is not None)
    scopes = _clean_scopes(caller, scopes, is_machine=owner is not None)
    secret = "" if is_public else tokens.new(tokens.SECRET)
    with transaction.atomic():
        if owner is not None:
            owner = lock(owner)
        if isinstance(owner, User):
            authority.check_not_above(caller, owner)
        row = OAuthClient.objects.create(
            uuid=uuid or uuid4(),
            name=name,
            scopes=scopes,
            redirect_uris=" ".join(redirect_uris),
            post_logout_redirect_uris=" ".join(post_logout_redirect_uris),
            without_pkce=without_pkce,
            device_grant=device_grant,
            user=owner if isinstance(owner, User) else None,
            organization=owner if isinstance(owner, Organization) else None,
            client_type=OAuthClient.CLIENT_PUBLIC if is_public else OAuthClient.CLIENT_CONFIDENTIAL,
            authorization_grant_type=OAuthClient.GRANT_CLIENT_CREDENTIALS
            if owner
            else OAuthClient.GRANT_AUTHORIZATION_CODE,
            **_stored(secret),
        )
        special = {"without_pkce": without_pkce, "device_grant": device_grant}
        detail = {"scopes": scopes} | {name: True for name, is_set in special.items() if is_set}
        _record(EventName.OAUTH_CLIENT_CREATED, caller, row, detail)
    return NewClient(row, secret)


def update_client(*, caller: Caller, client: OAuthClient, changes: ClientChanges) -> None:
    """Change members of a client. Raises NotAllowed, NotFound or Invalid.

    A removed scope disappears from the client's tokens at once. To change redirect addresses or to waive
    PKCE, the caller must hold the client's scopes.
    """
    with transaction.atomic():
        (row,) = _locked(caller, client)
        wanted = changes.given()
        if changes.name is not UNSET:
            wanted["name"] = clean_name("name", changes.name)
        if changes.scopes is not UNSET:
            wanted["scopes"] = _clean_scopes(caller, changes.scopes, is_machine=row.is_machine)
        if changes.redirect_uris is not UNSET or changes.device_grant is not UNSET:
            wanted |= _clean_ways(row, changes)
        if changes.post_logout_redirect_uris is not UNSET:
            uris = [] if row.is_machine else clean_post_logout(changes.post_logout_redirect_uris)
            wanted["post_logout_redirect_uris"] = " ".join(uris)
        if changes.without_pkce is not UNSET:
            is_public = not row.is_confidential
            check_pkce(without_pkce=changes.without_pkce, is_public=is_public, is_machine=row.is_machine)
        changed = {column: value for column, value in wanted.items() if getattr(row, column) != value}
        if WEAKENING & changed.keys():
            _check_not_beyond(caller, row.scopes)
        if changed:
            OAuthClient.objects.filter(pk=row.pk).update(**changed)
            _record(EventName.OAUTH_CLIENT_CHANGED, caller, row, {"members": sorted(changed)})
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change


def replace_secret(*, caller: Caller, client: OAuthClient, claim: Claim | None = None) -> NewClient:
    """Replace a client's secret; the old one stops working.

    Raises NotAllowed, NotFound or Invalid; and as `take`.

    A machine's tokens and the invitations that it sent end, too, because they rest on the secret alone. The
    caller, who can act as the client with the new secret, must hold the client's scopes.
    """
    secret = tokens.new(tokens.SECRET)
    with transaction.atomic():
        (row,) = _locked(caller, client)
        _check_not_beyond(caller, row.scopes)
        if row.user is not None:
            authority.check_not_above(caller, row.user)
        if not row.is_confidential:
            raise Invalid("client_secret", "a public client has no secret")
        take(claim, row.uuid)
        OAuthClient.objects.filter(pk=row.pk).update(**_stored(secret))
        _end_what_came_of_the_secret(row)
        _record(EventName.OAUTH_CLIENT_CHANGED, caller, row, {"members": ["client_secret"]})
    return NewClient(row, secret)


def _end_what_came_of_the_secret(client: OAuthClient) -> None:
    OAuthAccessToken.objects.filter(application=client, consent=None).delete()
    Invitation.objects.filter(made_by=client.uuid).delete()


def delete_clients(*, caller: Caller, selected: Iterable[OAuthClient]) -> None:
    """Delete clients with all their consents, codes and tokens. Raises NotAllowed or NotFound."""
    with transaction.atomic():
        rows = _locked(caller, *selected)
        entries = [Entry(EventName.OAUTH_CLIENT_DELETED, client_target(row)) for row in rows]
        OAuthClient.objects.filter(pk__in=[row.pk for row in rows]).delete()
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def is_secret_of(client: OAuthClient, secret: str) -> bool:
    """Whether `secret` is the client's secret."""
    return tokens.is_secret(secret, client.client_secret, settings.PEPPERS.values())


def _stored(secret: str) -> dict[str, Any]:
    """Return the columns that store a client's secret."""
    number, pepper = peppers.current()
    return {"client_secret": tokens.secret_digest(secret, pepper) if secret else "", "pepper": number}


def _check_kind(redirect_uris: list[str], owner: User | Organization | None, *, is_public: bool) -> None:
    if owner is None:
        return
    if redirect_uris:
        raise Invalid("redirect_uris", "must be empty: a client with an owner is a machine, which has none")
    if is_public:
        raise Invalid("owner", "must be empty: a public client cannot keep a secret and act for an owner")


def check_pkce(*, without_pkce: bool, is_public: bool, is_machine: bool) -> None:
    """Raise Invalid if PKCE is waived for a client that needs it, or has no use for it."""
    if without_pkce and is_machine:
        raise Invalid("without_pkce", "is only for clients that ask people: a machine gets no code")
    if without_pkce and is_public:
        raise Invalid("without_pkce", "is only for clients with a secret: nothing else would protect a code")


def check_device_grant(device_grant: bool, *, is_machine: bool) -> None:
    """Raise Invalid if the client may not ask from devices."""
    if device_grant and is_machine:
        raise Invalid("device_grant", "is only for clients that ask people: a machine asks nobody")


def _clean_ways(client: OAuthClient, changes: ClientChanges) -> dict[str, Any]:
    """Return the columns that say how the client may ask people: by redirects, from devices, or both."""
    uris = client.redirect_uris.split() if changes.redirect_uris is UNSET else changes.redirect_uris
    device_grant = client.device_grant if changes.device_grant is UNSET else changes.device_grant
    check_device_grant(device_grant, is_machine=client.is_machine)
    if client.is_machine:
        return {"redirect_uris": ""}
    uris = clean_redirect_uris(uris, is_needed=not device_grant)
    return {"redirect_uris": " ".join(uris), "device_grant": device_grant}


def clean_redirect_uris(uris: Sequence[str], *, is_needed: bool) -> list[str]:
    """Return the redirect URIs of a client that asks people, without repetitions. Raises Invalid."""
    if is_needed and not uris:
        raise Invalid(
            "redirect_uris", "is required, unless the client is a machine with an owner or asks from devices"
        )
    return list(dict.fromkeys(clean_redirect_uri(uri) for uri in uris))


def clean_post_logout(uris: Sequence[str]) -> list[str]:
    """Return the URIs after a logout, without repetitions. Raises Invalid."""
    try:
        return list(dict.fromkeys(clean_redirect_uri(uri) for uri in uris))
    except Invalid as error:
        raise Invalid("post_logout_redirect_uris", *error.errors.values()) from None


def _clean_scopes(caller: Caller, requested: Sequence[str], *, is_machine: bool) -> list[str]:
    """Return the scopes. Raises Invalid, or NotAllowed for scopes that the caller does not hold globally."""
    _check_may_manage(caller)
    scopes = clean_client_scopes(requested, is_machine=is_machine)
    _check_not_beyond(caller, scopes)
    return scopes


def clean_client_scopes(requested: Sequence[str], *, is_machine: bool) -> list[str]:
    """Return the scopes of a client, without repetitions. Raises Invalid."""
    scopes = clean_scopes(requested)
    if not scopes:
        raise Invalid("scopes", "must name at least one scope")
    if is_machine and set(scopes) & set(IDENTITY):
        raise Invalid(
            "scopes",
            Sentence("%(scopes)s are about people: a machine cannot have them", scopes=", ".join(IDENTITY)),
        )
    return scopes


def _check_not_beyond(caller: Caller, scopes: Sequence[str]) -> None:
    wanted = profiles.active().power_of_scopes(frozenset(scopes))
    caller.principal.require(lambda who: wanted <= who.everywhere, "These scopes allow more than you may do.")


def _check_may_manage(caller: Caller) -> None:
    caller.principal.require(
        lambda who: who.may(Capability.MANAGE_KEYS), "You may not manage OAuth2 clients."
    )
    authority.check_is_person(caller, "Programs cannot manage OAuth2 clients: log in to do it.")


def _locked(caller: Caller, *clients: OAuthClient) -> list[OAuthClient]:
    _check_may_manage(caller)
    return lock_clients(clients)


def client_target(client: OAuthClient) -> Target:
    """Return the client as the target of an event that is also about its owner."""
    target = Target.of("oauth_client", client, organization_id=client.organization_id)
    return target.about(user=client.user, organization=client.organization)


def _record(name: EventName, caller: Caller, client: OAuthClient, detail: Mapping[str, Any]) -> None:
    actor, origin = caller.principal.actor, caller.origin
    record(name, actor=actor, origin=origin, target=client_target(client), detail=detail)
