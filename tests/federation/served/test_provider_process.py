"""npm's oidc-provider says itself that somebody logged out there, and is asked if it still knows them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.federation.real import ALICE
from tests.federation.served.site import Person, Site, serving
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(module_installation: Installation) -> Iterator[Site]:
    with serving(module_installation) as site:
        yield site


@pytest.fixture
def alice(site: Site) -> Person:
    site.provider.knows(alice=ALICE)
    return logged_in(site)


def logged_in(site: Site) -> Person:
    person = Person(site)
    page = person.logs_in()
    assert page.url == f"{site.origin}/account/keys" and person.is_logged_in(), page.text
    return person


@pytest.mark.requirement(181)
def test_a_logout_at_the_provider_ends_the_login_from_that_session_alone(site: Site, alice: Person) -> None:
    phone, before = logged_in(site), len(site.ends())
    alice.logs_out_there()
    assert not alice.is_logged_in()
    assert phone.is_logged_in()
    [said] = site.ends()[before:]
    assert "provider" in said and "reason" not in said


@pytest.mark.requirement(184)
def test_the_provider_is_asked_after_the_interval_with_the_newest_refresh_token(
    site: Site, alice: Person
) -> None:
    """It takes each refresh token once: an old one would end the login."""
    asked = site.provider.asked()
    site.let_time_pass(asked=timedelta(minutes=4))
    assert alice.is_logged_in() and site.provider.asked() == asked
    for turn in (1, 2, 3):
        site.let_time_pass()
        assert alice.is_logged_in() and alice.is_logged_in()
        assert site.provider.asked() == asked + turn


@pytest.mark.requirement(183)
def test_a_person_whom_the_provider_has_removed_is_logged_out(site: Site, alice: Person) -> None:
    before = len(site.ends())
    site.provider.knows(bob=ALICE)
    site.let_time_pass(asked=timedelta(minutes=4))
    assert alice.is_logged_in()
    site.let_time_pass()
    assert not alice.is_logged_in()
    [said] = site.ends()[before:]
    assert "gone at the provider" in said


@pytest.mark.requirement(184)
def test_a_provider_that_does_not_answer_logs_nobody_out_before_the_grace(site: Site, alice: Person) -> None:
    with site.provider.stopped():
        site.let_time_pass()
        assert alice.is_logged_in()
        site.let_time_pass(answered=timedelta(minutes=61))
        assert not alice.is_logged_in()
