"""A creation that is sent again with its Idempotency-Key creates nothing."""

import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.callers import caller_at_command_line
from accounts.idempotency import services
from accounts.models import IdempotentRequest, Invitation, Mail, Membership, Organization, User
from accounts.organizations.services import delete_organization, remove_member
from accounts.users.changes import UserChanges
from accounts.users.services import delete_user, update_user
from apikeys.models import ApiKey
from audit.models import Event
from tests.accounts.helpers import statements
from tests.accounts.idempotency.creating import CREATIONS, KEY, NEWCOMER, Creation, is_replayed, send
from tests.at_rest import everything_stored
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, make_key, with_key
from tests.oauth.flow import make_client, post, with_token

DAY = 24 * 3600


@pytest.fixture
def ada(cast: Cast) -> Api:
    make_key(cast.acme, "services:read")  # the key to rotate
    return as_user(cast.ada)


@pytest.fixture(params=CREATIONS)
def creation(request: pytest.FixtureRequest) -> Creation:
    return CREATIONS[request.param]


def test_a_repeated_request_shows_what_the_first_created(cast: Cast, ada: Api, creation: Creation) -> None:
    path, members = creation.path(cast), creation.members(cast)
    first = send(ada, path, members)
    assert (first.status_code, is_replayed(first)) == (201, False), first.content
    rows, events, mails = creation.table.objects.count(), Event.objects.count(), Mail.objects.count()
    again = send(ada, path, members)
    assert (again.status_code, is_replayed(again)) == (201, True), again.content
    spent = {"key": None, "rotate": again.json().get("rotate")} if "key" in first.json() else {}
    assert again.json() == first.json() | spent
    after = creation.table.objects.count(), Event.objects.count(), Mail.objects.count()
    assert after == (rows, events, mails)


def test_another_body_with_the_same_key_is_refused(cast: Cast, ada: Api, creation: Creation) -> None:
    path = creation.path(cast)
    assert send(ada, path, creation.members(cast)).status_code == 201
    before = creation.table.objects.count()
    refused = send(ada, path, creation.others(cast))
    assert_problem(refused, 422, "idempotency_key_reused")
    assert creation.table.objects.count() == before


@pytest.mark.requirement(117)
def test_the_key_of_another_caller_is_another_key(cast: Cast, creation: Creation) -> None:
    make_key(cast.acme, "services:read")
    update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(role="admin"))
    path, members = creation.path(cast), creation.members(cast)
    first = send(as_user(cast.ada), path, members)
    other = send(as_user(cast.bob), path, members)
    assert first.status_code == 201
    assert not is_replayed(other)
    assert other.status_code in {201, 409}
    assert "still_running" not in other.content.decode()


@pytest.mark.requirement(117)
def test_two_keys_of_one_owner_are_two_callers(cast: Cast) -> None:
    programs = [with_key(make_key(cast.ada, "organizations:write")) for _ in range(2)]
    first, other = (send(program, "organizations", {"name": "Initech"}) for program in programs)
    assert first.status_code == 201, first.content
    assert_problem(other, 409, "conflict", "name")
    assert is_replayed(send(programs[0], "organizations", {"name": "Initech"}))


def test_a_machine_is_one_caller_with_all_its_tokens(cast: Cast) -> None:
    machines = [make_client("organizations:write", owner=cast.ada) for _ in range(2)]
    for machine, expected in ((machines[0], False), (machines[0], True)):
        token = post("token", machine, grant_type="client_credentials").json()
        made = send(with_token(token), "organizations", {"name": "Initech"})
        assert (made.status_code, is_replayed(made)) == (201, expected), made.content
    token = post("token", machines[1], grant_type="client_credentials").json()
    assert_problem(send(with_token(token), "organizations", {"name": "Initech"}), 409, "conflict", "name")


def test_a_person_is_one_caller_in_all_their_logins(cast: Cast) -> None:
    for expected in (False, True):
        made = send(as_user(cast.ada), "organizations", {"name": "Initech"})
        assert (made.status_code, is_replayed(made)) == (201, expected)


def test_the_same_key_at_another_address_is_another_request(ada: Api) -> None:
    assert send(ada, "organizations", {"name": "Initech"}).status_code == 201
    assert not is_replayed(send(ada, "users", NEWCOMER))


def test_a_request_that_failed_can_be_sent_again(cast: Cast, ada: Api) -> None:
    taken = {"name": cast.umbrella.name}
    assert_problem(send(ada, "organizations", taken), 409, "conflict", "name")
    assert not IdempotentRequest.objects.exists()
    delete_organization(caller=caller_at_command_line(), organization=cast.umbrella)
    made = send(ada, "organizations", taken)
    assert (made.status_code, is_replayed(made)) == (201, False)


def test_without_a_key_nothing_is_kept_and_no_statement_is_added(cast: Cast, ada: Api) -> None:
    costs = {}
    for name, options in {"Initech": {}, "Globex": {"headers": {"Idempotency-Key": KEY}}}.items():
        with CaptureQueriesContext(connection) as captured:
            assert ada.post("organizations", {"name": name}, **options).status_code == 201
        costs[name] = statements(captured)
    assert not [sql for sql in costs["Initech"] if "idempotent" in sql]
    assert len(costs["Globex"]) == len(costs["Initech"]) + 1
    with CaptureQueriesContext(connection) as captured:
        assert is_replayed(send(ada, "organizations", {"name": "Globex"}))
    assert len([sql for sql in statements(captured) if "idempotent" in sql]) == 2


def test_after_a_day_the_key_is_free(ada: Api) -> None:
    assert send(ada, "organizations", {"name": "Initech"}).status_code == 201
    ends_at = IdempotentRequest.objects.get().ends_at
    assert DAY - 60 <= ends_at - time.time() <= DAY
    IdempotentRequest.objects.update(ends_at=int(time.time()))
    made = send(ada, "organizations", {"name": "Globex"})
    assert (made.status_code, is_replayed(made)) == (201, False)
    again = send(ada, "organizations", {"name": "Globex"})
    assert (again.json(), is_replayed(again)) == (made.json(), True)


def test_the_server_deletes_keys_after_a_day(ada: Api) -> None:
    for key in ("old", "new"):
        assert send(ada, "organizations", {"name": key}, key).status_code == 201
    old = IdempotentRequest.objects.get(resource=Organization.objects.get(name="old").uuid)
    IdempotentRequest.objects.filter(pk=old.pk).update(ends_at=int(time.time()))
    services.sweep()
    assert IdempotentRequest.objects.get().resource == Organization.objects.get(name="new").uuid


def test_the_response_shows_the_resource_as_it_is_now(cast: Cast, ada: Api) -> None:
    made = send(ada, "users", NEWCOMER).json()
    user = User.objects.get(uuid=made["id"])
    update_user(caller=caller_at_command_line(), user=user, changes=UserChanges(name="Renamed"))
    assert send(ada, "users", NEWCOMER).json() == made | {"name": "Renamed"}


def test_what_was_deleted_meanwhile_is_gone(cast: Cast, ada: Api) -> None:
    member, invited = CREATIONS["a member"], CREATIONS["an invitation"]
    sent = {
        "users": NEWCOMER,
        "organizations": {"name": "Initech"},
        member.path(cast): member.members(cast),
        invited.path(cast): invited.members(cast),
    }
    for path, members in sent.items():
        assert send(ada, path, members).status_code == 201
    delete_user(caller=caller_at_command_line(), user=User.objects.get(username="newer"))
    delete_organization(
        caller=caller_at_command_line(), organization=Organization.objects.get(name="Initech")
    )
    joined = Membership.objects.get(user=cast.mallory)
    remove_member(caller=caller_at_command_line(), membership=joined)
    Invitation.objects.all().delete()
    for path, members in sent.items():
        assert_problem(send(ada, path, members), 410, "gone")
        assert send(ada, path, members, "another-key").status_code == 201


def test_an_invitation_that_replaced_an_older_one_is_the_older_one(cast: Cast, ada: Api) -> None:
    invited = CREATIONS["an invitation"]
    path, members = invited.path(cast), invited.members(cast)
    older = ada.post(path, members).json()
    made, again = (send(ada, path, members) for _ in range(2))
    assert made.json()["id"] == again.json()["id"] == older["id"]
    assert is_replayed(again)
    assert Mail.objects.count() == 2


@pytest.mark.requirement(117)
def test_who_lost_the_right_to_create_learns_nothing(cast: Cast, creation: Creation) -> None:
    make_key(cast.acme, "services:read")
    update_user(caller=caller_at_command_line(), user=cast.mallory, changes=UserChanges(role="admin"))
    update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(role="auditor"))
    api, path, members = as_user(cast.mallory), creation.path(cast), creation.members(cast)
    if "user" in members:
        members = members | {"user": str(cast.charlie.uuid)}
    assert send(api, path, members).status_code == 201
    update_user(caller=caller_at_command_line(), user=cast.mallory, changes=UserChanges(role="auditor"))
    assert_problem(send(api, path, members), 403, "not_allowed")


@pytest.mark.requirement(117)
def test_who_may_still_see_a_key_but_not_rotate_it_is_refused(cast: Cast) -> None:
    path = f"api-keys/{make_key(cast.acme, 'services:read').row.uuid}"
    alice = as_user(cast.alice)
    assert send(alice, f"{path}/rotate", {}).status_code == 201
    Membership.objects.filter(user=cast.alice).update(role="developer")
    assert alice.get(path).status_code == 200
    assert_problem(send(alice, f"{path}/rotate", {}), 403, "not_allowed")


@pytest.mark.requirement(117)
def test_who_may_no_longer_give_the_scopes_of_a_key_is_refused(cast: Cast) -> None:
    bob, members = as_user(cast.bob), {"name": "CI", "scopes": ["services:write"]}
    assert send(bob, "api-keys", members).status_code == 201
    Membership.objects.filter(user=cast.bob).delete()
    assert_problem(send(bob, "api-keys", members), 403, "not_allowed")


@pytest.mark.requirement(118)
def test_neither_the_request_nor_its_key_is_stored(cast: Cast, ada: Api) -> None:
    members = NEWCOMER | {"password": "seven brass lanterns at sea"}
    assert send(ada, "users", members, "an-idempotency-key").status_code == 201
    made = send(ada, "api-keys", {"name": "CI"}, "an-idempotency-key").json()
    stored = everything_stored()
    assert "an-idempotency-key" not in stored
    assert made["key"] not in stored
    assert members["password"] not in stored
    for row in IdempotentRequest.objects.values():
        assert sorted(row) == ["digest", "ends_at", "members", "resource"]
        assert (len(row["digest"]), len(row["members"])) == (32, 32)


@pytest.mark.requirement(118)
def test_a_password_is_not_part_of_what_is_compared(ada: Api) -> None:
    assert send(ada, "users", NEWCOMER).status_code == 201
    other = send(ada, "users", NEWCOMER | {"password": "seven brass lanterns at sea"})
    assert is_replayed(other)
    assert User.objects.get(username="newer").check_password(PASSWORD)


def test_equal_requests_have_unequal_digests(cast: Cast) -> None:
    update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(role="admin"))
    for person, key in ((cast.ada, KEY), (cast.ada, "other"), (cast.bob, KEY)):
        body = {"name": "CI"}
        assert send(as_user(person), "api-keys", body, key).status_code == 201
    rows = IdempotentRequest.objects.values_list("digest", "members")
    assert len({bytes(digest) for pair in rows for digest in pair}) == 6
    assert ApiKey.objects.count() == 3


def test_a_replay_waits_one_lease(
    cast: Cast, ada: Api, lease: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    member = CREATIONS["a member"]
    path, members = member.path(cast), member.members(cast)
    assert send(ada, path, members).status_code == 201
    lease(3600.0)
    connection.run_on_commit.clear()
    assert is_replayed(send(ada, path, members))
    for committed in connection.run_on_commit:
        committed[1]()
    assert waited == [3600.0]
