"""Of simultaneous logins of one person, all find one account."""

import threading
from typing import Any

import pytest
from django.db import connection

from accounts.models import Session, User
from federation.models import Identity, Standing
from federation.protocol import turns
from tests.conftest import Cast
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, back
from tests.federation.real import Browser


@pytest.mark.requirement(160)
@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_first_logins_one_makes_the_account(
    cast: Cast, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITS_SECONDS", 60)  # one asks the provider after the other
    set_up(cast, fake.issuer)
    before = User.objects.count()
    answers: list[Any] = []
    ready = threading.Barrier(2)

    def arrive(browser: Browser, address: str) -> None:
        ready.wait()
        answers.append(browser.comes_back(back(address, code=address)).status_code)
        connection.close()

    browsers = [Browser(), Browser()]
    addresses = [each.begins() for each in browsers]
    for address in addresses:
        fake.says(fake.claims(address))
        fake.by_code[address] = fake.id_token
    threads = [threading.Thread(target=arrive, args=pair) for pair in zip(browsers, addresses, strict=True)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(answers) <= {302, 403} and 302 in answers
    assert (User.objects.count(), Identity.objects.count(), Standing.objects.count()) == (before + 1, 1, 1)
    assert Session.objects.filter(organization=cast.acme).count() == answers.count(302)
