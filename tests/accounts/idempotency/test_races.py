"""Requests with one Idempotency-Key at once: one creates, and none waits for it."""

import pytest

from accounts.models import IdempotentRequest, Organization
from audit.models import ChainHead
from tests.accounts.helpers import at_once, rows_are_locked, waiting
from tests.accounts.idempotency.creating import CREATIONS, Creation, is_replayed, send
from tests.audit.broken import no_event_table
from tests.conftest import Cast, as_user, assert_problem, make_key

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 4


@pytest.mark.requirement(119)
@pytest.mark.parametrize("creation", CREATIONS.values(), ids=CREATIONS)
def test_of_several_clients_at_once_one_creates(cast: Cast, creation: Creation) -> None:
    make_key(cast.acme, "services:read")
    path, members = creation.path(cast), creation.members(cast)
    clients = [as_user(cast.ada) for _ in range(CLIENTS)]
    before = creation.table.objects.count()
    answers = at_once(lambda number: send(clients[number], path, members), times=CLIENTS)
    assert creation.table.objects.count() == before + 1
    first = [answer for answer in answers if answer.status_code == 201 and not is_replayed(answer)]
    assert len(first) == 1, [answer.content for answer in answers]
    for answer in answers:
        assert answer.status_code == 201 or assert_problem(answer, 409, "still_running")
    again = send(clients[0], path, members)
    assert is_replayed(again)
    assert again.json()["id"] == first[0].json()["id"]


@rows_are_locked
@pytest.mark.requirement(119)
@pytest.mark.parametrize("creation", CREATIONS.values(), ids=CREATIONS)
def test_while_the_first_is_running_the_others_are_told_at_once(cast: Cast, creation: Creation) -> None:
    make_key(cast.acme, "services:read")
    path, members = creation.path(cast), creation.members(cast)
    first, second = as_user(cast.ada), as_user(cast.ada)
    with waiting(
        lambda: send(first, path, members),
        holding=lambda: ChainHead.objects.select_for_update().get(),
    ) as working:
        assert_problem(send(second, path, members), 409, "still_running")
        assert not working.done()
    assert working.result().status_code == 201
    assert is_replayed(send(second, path, members))


def test_a_creation_that_cannot_be_recorded_leaves_no_claim(cast: Cast) -> None:
    ada = as_user(cast.ada)
    with no_event_table():
        assert send(ada, "organizations", {"name": "Initech"}).status_code >= 500
    assert not Organization.objects.filter(name="Initech").exists()
    assert not IdempotentRequest.objects.exists()
    made = send(ada, "organizations", {"name": "Initech"})
    assert (made.status_code, is_replayed(made)) == (201, False)
