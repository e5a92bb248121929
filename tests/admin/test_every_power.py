"""Every list of the admin x role: rows of another organization are not seen, not opened, not changed.

Lists and actions come from the admin's own registry, so that none is forgotten.
"""

from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.options import Options
from django.test import Client
from django.utils import timezone

from accounts.invitations.services import invite
from accounts.models import Invitation, Organization, Passkey, SecondFactor, Session, User
from apikeys.models import ApiKey
from audit.models import Event
from oauth.models import Consent, OAuthClient
from tests.accounts.helpers import caller_as
from tests.admin.helpers import new_ticket, page
from tests.conftest import Cast, make_cast, make_key
from tests.logins import browser
from tests.oauth.flow import Flow, make_client
from tests.pages.everything import make_passkeys
from tests.snapshot import Snapshot
from webhooks.models import Webhook
from webhooks.services.webhooks import create_webhook

pytestmark = pytest.mark.once

ADMINS = admin.site._registry
ACTIONS = [
    (model, str(action))
    for model, each in ADMINS.items()
    for action in (*(each.actions or ()), *(["delete_selected"] if model in (User, OAuthClient) else []))
]
WHO = ("audrey", "alice", "bob", "mallory")
CHANGES_NOTHING = {"export", "enable", "widen", "activate", "waive_second_factor"}
FORMS: dict[str, Any] = {"name": "Evil", "email": "evil@example.org", "role": "admin", "is_superuser": "on"}
Rows = dict[type[Model], Any]


def named(value: Any) -> str:
    return value if isinstance(value, str) else value._meta.model_name


class World(NamedTuple):
    """One row for each list, none of which has to do with Acme, nor with anybody who works there."""

    cast: Cast
    rows: Rows


def make_world() -> World:
    cast = make_cast()
    key = make_key(cast.umbrella, "services:read", name="of Umbrella").row
    # so old that it could do without its scope
    ApiKey.objects.filter(pk=key.pk).update(created_at="2026-01-01T00:00:00Z", last_used_at=timezone.now())
    Flow(make_client(), cast.charlie).tokens()
    invited = invite(
        caller=caller_as(cast.ada), organization=cast.umbrella, email="x@example.net", role="owner"
    )
    SecondFactor.objects.create(user=cast.charlie, confirmed=True, seed="")
    make_passkeys(cast.charlie, timezone.now())
    rows: Rows = {
        User: cast.charlie,
        Organization: cast.umbrella,
        Session: Session.objects.filter(user=cast.charlie).latest("pk"),
        Invitation: invited,
        Passkey: Passkey.objects.latest("pk"),
        OAuthClient: make_client(owner=cast.umbrella).row,
        Consent: Consent.objects.get(),
        ApiKey: key,
        Webhook: create_webhook(
            caller=caller_as(cast.ada), organization=cast.umbrella, url="https://a.example/"
        ).row,
        Event: Event.objects.filter(organization_id=cast.umbrella.pk).latest("sequence"),
    }
    return World(cast, rows)


made = Snapshot(make_world)


@pytest.fixture
def world(db: None) -> World:
    return made.write()


@pytest.fixture
def cast(world: World) -> Cast:
    return world.cast


@pytest.fixture
def rows(world: World) -> Rows:
    return world.rows


def state() -> list[Any]:
    """All rows of ours but those that tell of the attempt itself."""
    told = {"Event", "ChainHead", "AttemptCount"}
    labels = ("accounts", "apikeys", "audit", "webhooks")
    ours = [m._meta for label in labels for m in apps.get_app_config(label).get_models()]
    with connection.cursor() as cursor:
        return [_rows_in(each, cursor) for each in ours if each.object_name not in told]


def _rows_in(table: Options[Any], cursor: CursorWrapper) -> list[Any]:
    cursor.execute(f"SELECT * FROM {table.db_table} ORDER BY {table.pk.column}")
    rows: list[Any] = cursor.fetchall()
    return rows


def address(model: type[Model], kind: str, *arguments: Any) -> str:
    return page(f"{model._meta.app_label}_{model._meta.model_name}_{kind}", *arguments)


def do(client: Client, model: type[Model], action: str, row: Model) -> Any:
    """Choose the action for the row, and say yes."""
    sent = {
        "action": action,
        "_selected_action": [row.pk],
        "confirmed": "True",
        "post": "yes",
        **new_ticket(),
    }
    return client.post(address(model, "changelist"), sent)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.requirement(78)
def test_no_row_of_another_organization_is_changed_by_any_form_or_action(
    cast: Cast, rows: Rows, who: str, strong_owners: None
) -> None:
    client, before = browser(getattr(cast, who)), state()
    for model, row in rows.items():
        owners = {"user": cast.charlie.pk, "organization": cast.umbrella.pk}
        client.post(address(model, "add"), FORMS | owners | new_ticket())
        client.post(address(model, "change", row.pk), FORMS)
        client.post(address(model, "delete", row.pk), {"post": "yes"})
        assert state() == before, model
    for model, action in ACTIONS:
        do(client, model, action, rows[model])
        assert state() == before, (model, action)


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
@pytest.mark.requirement(47)
def test_no_row_of_another_organization_is_seen(
    cast: Cast, rows: Rows, who: str, strong_owners: None
) -> None:
    client = browser(getattr(cast, who))
    for model, row in rows.items():
        listed = client.get(address(model, "changelist"))
        assert listed.status_code == 403 or row not in listed.context["cl"].queryset, model
        assert client.get(address(model, "change", row.pk)).status_code in (302, 403), model
        assert client.get(address(model, "history", row.pk)).status_code in (403, 404), model


@pytest.mark.parametrize(("model", "action"), ACTIONS, ids=named)
def test_people_who_may_do_everything_do_the_same_with_effect(
    cast: Cast, rows: Rows, model: type[Model], action: str
) -> None:
    """Else the tests above would pass for requests that nobody could make."""
    client, before = browser(cast.ada), state()
    assert do(client, model, action, rows[model]).status_code in (200, 302)
    assert (state() == before) == (action in CHANGES_NOTHING)


def test_there_is_a_row_for_every_list(rows: Rows) -> None:
    assert rows.keys() == ADMINS.keys()


def test_people_who_manage_only_their_own_keys_come_in_and_do_that(cast: Cast) -> None:
    mallory, key = browser(cast.mallory), make_key(cast.mallory).row
    assert mallory.get("/admin/").status_code == 200
    assert list(mallory.get(address(ApiKey, "changelist")).context["cl"].queryset) == [key]
    do(mallory, ApiKey, "revoke", key)
    key.refresh_from_db()
    assert key.revoked_at is not None
