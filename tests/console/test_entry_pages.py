"""The pages beside the login page: a forgotten password, and a new account."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Mail
from config import profiles
from config.profiles import Profile
from tests.config.profile_texts import SHIPPED
from tests.conftest import Cast

ASKED = "If this address can be used here, we have mailed a link to it."
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_a_forgotten_password_gets_the_same_answer_for_every_address(cast: Cast, email: str) -> None:
    answer = Client(headers=HTML).post("/account/forgot-password", {"email": email})
    assert answer.status_code == 200 and ASKED in answer.content.decode()
    assert Mail.objects.get().address == email


def test_an_address_that_is_none_is_refused_beside_its_field(db: None) -> None:
    answer = Client(headers=HTML).post("/account/forgot-password", {"email": "nobody"})
    assert answer.status_code == 400 and "must be an e-mail address" in answer.content.decode()
    assert not Mail.objects.exists()


def test_too_many_requests_are_429_on_the_page_too(cast: Cast) -> None:
    client = Client(headers=HTML)
    answers = [client.post("/account/forgot-password", {"email": "alice@example.org"}) for _ in range(12)]
    assert answers[-1].status_code == 429 and int(answers[-1]["Retry-After"]) > 0


def test_registration_is_a_page_where_the_profile_opens_it(
    served_profile: Callable[[Profile], None], db: None
) -> None:
    assert Client(headers=HTML).get("/account/register").status_code == 404
    assert "Create an account" not in Client().get("/account/login").content.decode()
    open_ = next(each for each in map(profiles.load, SHIPPED) if each.login.registration_role)
    served_profile(open_)
    assert "Create an account" in Client().get("/account/login").content.decode()
    form = {"email": "new@example.org", "name": "Newton", "password": "seven quiet harbours at dawn"}
    client = Client(headers=HTML)
    assert client.post("/account/register", form | {"password": "short"}).status_code == 400
    assert ASKED in client.post("/account/register", form).content.decode()
    assert Mail.objects.get().address == "new@example.org"
