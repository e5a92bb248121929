"""A person renames their passkeys."""

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import Mail, Passkey
from audit.models import Event
from tests.accounts.passkeys.authenticator import Authenticator, added, at_localhost
from tests.conftest import Cast
from tests.console.helpers import SECURITY, text_of


def rename_page(number: Any = None) -> str:
    return reverse("console-passkey-rename", args=[number or Passkey.objects.get().uuid])


def test_a_passkey_gets_another_name_and_works_as_before(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    added(client, Authenticator())
    mails = Mail.objects.count()
    assert 'value="Laptop"' in text_of(client.get(rename_page()))
    done = client.post(rename_page(), {"name": " Blaue Schlüssel 🔑 "}, follow=True)
    assert "The passkey is renamed." in text_of(done) and "Blaue Schlüssel 🔑" in text_of(done)
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail["before"], event.detail["name"]) == (
        "passkey:renamed",
        "Laptop",
        "Blaue Schlüssel 🔑",
    )
    assert client.get(SECURITY).status_code == 200
    assert Mail.objects.count() == mails


def test_the_same_name_again_records_nothing(cast: Cast) -> None:
    client = at_localhost(cast.ada)
    added(client, Authenticator())
    events = Event.objects.count()
    assert client.post(rename_page(), {"name": "Laptop"}).status_code == 302
    assert Event.objects.count() == events


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "x" * 5_000, "a\0b"])
def test_a_wrong_name_is_refused_beside_its_field(name: str, cast: Cast) -> None:
    client = at_localhost(cast.ada)
    added(client, Authenticator())
    answer = client.post(rename_page(), {"name": name})
    assert answer.status_code == 400 and "name" in answer.context["form"].errors
    assert Passkey.objects.get().name == "Laptop"


def test_a_passkey_of_somebody_else_looks_nonexistent(cast: Cast) -> None:
    added(at_localhost(cast.ada), Authenticator())
    client = at_localhost(cast.bob)
    for page in (rename_page(), rename_page(uuid4())):
        assert (client.get(page).status_code, client.post(page, {"name": "mine"}).status_code) == (404, 404)
    assert Passkey.objects.get().name == "Laptop"
