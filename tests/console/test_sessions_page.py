"""/account/sessions: where a person is logged in."""

import pytest

from accounts.models import Session
from audit.models import Event
from tests.conftest import Cast, as_user, log_in
from tests.console.helpers import console_of, strict

PAGE = "/account/sessions"


@pytest.mark.requirement(34)
def test_people_see_their_own_logins_and_which_is_this_one(cast: Cast) -> None:
    log_in(cast.bob)
    log_in(cast.alice)
    client = console_of(cast.alice)
    shown = client.get(PAGE).content.decode()
    assert shown.count("<tr>") == 3  # the heading and two logins
    assert shown.count("this device") == 1


@pytest.mark.requirement(34)
def test_people_end_one_of_their_logins(cast: Cast) -> None:
    client, api = console_of(cast.alice), as_user(cast.alice)
    session = Session.objects.filter(user=cast.alice).latest("pk")
    answer = client.post(PAGE, {"session": str(session.uuid)}, follow=True)
    assert "The session is ended." in answer.content.decode()
    assert api.get("auth/me").status_code == 401
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id) == ("session:ended", str(cast.alice.uuid))


@pytest.mark.requirement(34)
def test_people_end_all_logins_but_this_one(cast: Cast) -> None:
    client, apis = console_of(cast.alice), [as_user(cast.alice) for _ in range(2)]
    client.post(PAGE, {"others": "yes"})
    assert [api.get("auth/me").status_code for api in apis] == [401, 401]
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize("sent", ["theirs", "", "x", "\0", "é" * 5000])
@pytest.mark.requirement(47)
def test_nobody_ends_the_login_of_somebody_else(sent: str, cast: Cast) -> None:
    client, bob = console_of(cast.ada), as_user(cast.bob)
    value = str(Session.objects.get(user=cast.bob).uuid) if sent == "theirs" else sent
    assert client.post(PAGE, {"session": value}).status_code == 404
    assert bob.get("auth/me").status_code == 200


def test_a_form_without_a_csrf_token_ends_nothing(cast: Cast) -> None:
    client = console_of(cast.alice)
    assert strict(client).post(PAGE, {"others": "yes"}).status_code == 403
