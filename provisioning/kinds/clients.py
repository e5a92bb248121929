"""OAuth2 clients: machines of an organization, and outside every organization those that ask people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from accounts.models import Organization
from accounts.users.names import clean_name
from config import profiles
from config.wire.quoting import shown
from oauth.changes import ClientChanges
from oauth.models import OAuthClient
from oauth.services.clients import (
    check_pkce,
    clean_client_scopes,
    clean_post_logout,
    clean_redirect_uris,
    create_client,
    delete_clients,
    update_client,
)
from provisioning.changes import Names, Values
from provisioning.documents import Node
from provisioning.kinds.base import Kind, Secret, Wanted, Work, members_of, written
from provisioning.members import Members

OF_MACHINE = ("scopes",)
OF_PEOPLE = ("scopes", "redirect_uris", "post_logout_redirect_uris", "public", "without_pkce", "device_grant")


@dataclass(frozen=True)
class WantedClient(Wanted):
    """A client as the file describes it. A machine has scopes alone."""

    is_machine: bool
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    public: bool
    without_pkce: bool
    device_grant: bool


class Clients(Kind[WantedClient, OAuthClient]):
    name, section, is_outside, has_secret = "client", "clients", True, True
    fixed = frozenset({"public"})

    def read(self, name: str, node: Node, line: int, within: Members) -> WantedClient | None:
        members = members_of(name, node, within)
        if members is None:
            return None
        if profiles.active().oauth2 is None:
            within.faults.add(
                line, within.path, f"{shown(name)} needs OAuth2, which the profile does not have"
            )
            return None
        is_machine = within.path != self.section
        members.check_known(OF_MACHINE if is_machine else OF_PEOPLE)
        device_grant = bool(members.flag("device_grant"))
        public, without_pkce = bool(members.flag("public")), bool(members.flag("without_pkce"))
        with members.noting("without_pkce"):
            check_pkce(without_pkce=without_pkce, is_public=public, is_machine=is_machine)
        return WantedClient(
            name=within.cleaned(name, lambda: clean_name("name", name), name),
            line=line,
            is_machine=is_machine,
            scopes=_cleaned(members, "scopes", partial(clean_client_scopes, is_machine=is_machine)),
            redirect_uris=()
            if is_machine
            else _cleaned(members, "redirect_uris", partial(clean_redirect_uris, is_needed=not device_grant)),
            post_logout_redirect_uris=_cleaned(members, "post_logout_redirect_uris", clean_post_logout),
            public=public,
            without_pkce=without_pkce,
            device_grant=device_grant,
        )

    def present(self, organization: Organization | None, now: datetime) -> list[OAuthClient]:
        return list(OAuthClient.objects.filter(organization=organization, user=None).order_by("pk"))

    def names_of(self, row: OAuthClient) -> Names:
        return Names(row.name, (row.name,))

    def wanted_values(self, wanted: WantedClient) -> Values:
        if wanted.is_machine:
            return {"scopes": wanted.scopes}
        return {member: getattr(wanted, member) for member in OF_PEOPLE}

    def present_values(self, row: OAuthClient) -> Values:
        return {
            "scopes": tuple(row.scopes),
            "redirect_uris": tuple(row.redirect_uris.split()),
            "post_logout_redirect_uris": tuple(row.post_logout_redirect_uris.split()),
            "public": not row.is_confidential,
            "without_pkce": row.without_pkce,
            "device_grant": row.device_grant,
        }

    def exported(self, row: OAuthClient) -> Mapping[str, Any]:
        members = OF_MACHINE if row.is_machine else OF_PEOPLE
        return written({member: self.present_values(row)[member] for member in members})

    def create(self, work: Work, wanted: WantedClient) -> Secret:
        new = create_client(
            caller=work.caller,
            name=wanted.name,
            scopes=wanted.scopes,
            redirect_uris=wanted.redirect_uris,
            post_logout_redirect_uris=wanted.post_logout_redirect_uris,
            owner=work.organization,
            is_public=wanted.public,
            without_pkce=wanted.without_pkce,
            device_grant=wanted.device_grant,
        )
        texts = {"client_id": new.row.client_id} | ({"client_secret": new.secret} if new.secret else {})
        return Secret(work.within, self.name, wanted.name, texts)

    def update(self, work: Work, wanted: WantedClient, row: OAuthClient, members: Sequence[str]) -> None:
        changes = ClientChanges(**{member: getattr(wanted, member) for member in members})
        update_client(caller=work.caller, client=row, changes=changes)

    def delete(self, work: Work, rows: Sequence[OAuthClient]) -> None:
        delete_clients(caller=work.caller, selected=rows)


def _cleaned(members: Members, name: str, clean: Callable[[Sequence[str]], list[str]]) -> tuple[str, ...]:
    return members.cleaned(name, lambda: tuple(clean(members.texts(name))), ())
