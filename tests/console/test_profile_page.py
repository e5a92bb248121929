"""/account/profile: a person's name and e-mail address."""

import pytest
from django.test import Client

from accounts.mail.delivery import send_due
from accounts.models import EmailChange, Mail, User
from audit.models import Event
from tests.accounts.mailbox import Mailbox, token_in
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import console_of, strict

PAGE, EMAIL = "/account/profile", "/account/profile/email"
NEW = "robert@example.net"
ASK = {"new_email": NEW, "current_password": PASSWORD}


def test_people_change_their_own_name_language_and_time_zone(cast: Cast) -> None:
    client = console_of(cast.bob)
    form = {"name": " Robert ", "language": "en", "time_zone": "Europe/Berlin"}
    answer = client.post(PAGE, form, follow=True)
    text = answer.content.decode()
    assert "Your profile is saved." in text and 'value="Robert"' in text and "bob@example.org" in text
    assert '<option value="Europe/Berlin" selected>' in text and '<option value="en" selected>' in text
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id, event.detail) == (
        "user:changed",
        str(cast.bob.uuid),
        {"members": ["language", "name", "time_zone"]},
    )
    client.post(PAGE, form)
    assert Event.objects.latest("sequence") == event
    assert client.post(PAGE, {"name": ""}).status_code == 302
    assert User.objects.get(pk=cast.bob.pk).name == ""


def test_a_profile_that_was_open_before_undoes_no_newer_change(cast: Cast) -> None:
    client = console_of(cast.bob)
    shown = {f"initial-{name}": getattr(cast.bob, name) for name in ("name", "language", "time_zone")}
    client.post(PAGE, shown | {"name": "Robert", "language": "de", "time_zone": "Europe/Berlin"})
    client.post(PAGE, shown | {"name": "Rob", "language": "", "time_zone": ""})
    bob = User.objects.get(pk=cast.bob.pk)
    assert (bob.name, bob.language, bob.time_zone) == ("Rob", "de", "Europe/Berlin")
    assert 'name="initial-language" value="de"' in client.get(PAGE).content.decode()


@pytest.mark.parametrize("name", ["x" * 5000, "\0", "a\x1bb", "\u200b"])
def test_an_invalid_name_is_refused_beside_its_field(name: str, cast: Cast) -> None:
    client = console_of(cast.bob)
    before = User.objects.get(pk=cast.bob.pk).name
    answer = client.post(PAGE, {"name": name})
    assert answer.status_code == 400 and answer.context["form"].errors.keys() == {"name"}
    assert User.objects.get(pk=cast.bob.pk).name == before


@pytest.mark.parametrize("form", [{"language": "xx"}, {"time_zone": "Moon/Base"}, {"time_zone": "\0"}])
def test_a_language_or_a_time_zone_that_nobody_has_is_refused(form: dict[str, str], cast: Cast) -> None:
    answer = console_of(cast.bob).post(PAGE, {"name": "Robert", **form})
    assert answer.status_code == 400 and answer.context["form"].errors.keys() == form.keys()
    assert User.objects.get(pk=cast.bob.pk).name != "Robert"


@pytest.mark.requirement(16)
def test_an_address_changes_by_a_link_mailed_there(cast: Cast, mailbox: Mailbox) -> None:
    client = console_of(cast.bob)
    assert "For 7 days the old address can take the account back" in client.get(EMAIL).content.decode()
    text = client.post(EMAIL, ASK, follow=True).content.decode()
    assert "We have mailed a link to the new address." in text
    assert f"You have asked for the address {NEW}" in text
    assert Event.objects.latest("sequence").name == "email_change:requested"
    assert User.objects.get(pk=cast.bob.pk).email == "bob@example.org"
    send_due()
    token = token_in(mailbox.to(NEW)[-1])
    assert token not in client.get(PAGE).content.decode()
    assert Client().post("/confirm-email", {"token": token}).status_code == 200
    shown = client.get(PAGE).content.decode()
    assert f"<dd>{NEW}</dd>" in shown and "You have asked" not in shown


@pytest.mark.parametrize(
    ("form", "member"),
    [
        ({"new_email": "nobody"}, "new_email"),
        ({"new_email": "bob@example.org"}, "new_email"),
        ({"new_email": "x" * 5000}, "new_email"),
        ({"new_email": "a\0@example.net"}, "new_email"),
        ({"current_password": "not the password"}, "current_password"),
        ({"current_password": ""}, "current_password"),
    ],
)
@pytest.mark.requirement(7)
def test_a_refused_address_is_said_beside_its_field(form: dict[str, str], member: str, cast: Cast) -> None:
    answer = console_of(cast.bob).post(EMAIL, ASK | form)
    assert answer.status_code == 400 and answer.context["form"].errors.keys() == {member}
    assert 'aria-invalid="true"' in answer.content.decode() and PASSWORD not in answer.content.decode()
    assert not EmailChange.objects.exists() and not Mail.objects.exists()


@pytest.mark.requirement(9)
def test_too_many_requests_for_another_address_are_429(cast: Cast) -> None:
    client = console_of(cast.bob)
    statuses = [client.post(EMAIL, ASK).status_code for _ in range(11)]
    assert statuses == [302] * 10 + [429]


@pytest.mark.requirement(88)
def test_a_form_without_a_csrf_token_changes_nothing(cast: Cast) -> None:
    client = strict(console_of(cast.bob))
    assert (client.post(PAGE, {"name": "x"}).status_code, client.post(EMAIL, ASK).status_code) == (403, 403)
    assert not EmailChange.objects.exists()
