"""ETag and If-Match: an edit is refused if somebody else was faster (RFC 9110 section 13.1.1)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller
from accounts.models import Membership, Organization, User
from accounts.organizations.services import add_member, remove_member
from accounts.users.changes import UserChanges
from accounts.users.services import update_users
from apikeys.models import ApiKey
from apikeys.usage import counting
from audit.models import Event
from config.wire.preconditions import etag
from tests.accounts.helpers import at_once, statements
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, make_key, with_key
from tests.oauth.flow import Flow, make_client, with_token

STALE = '"00000000000000000000"'


def paths(cast: Cast) -> dict[str, str]:
    """Everything that has an ETag, as ada sees it."""
    return {
        "api key": f"api-keys/{make_key(cast.bob).row.uuid}",
        "user": f"users/{cast.bob.uuid}",
        "organization": f"organizations/{cast.acme.uuid}",
        "member": f"organizations/{cast.acme.uuid}/members/{cast.bob.uuid}",
        "me": "auth/me",
    }


CHANGES: dict[str, dict[str, Any]] = {
    "api key": {"name": "renamed"},
    "user": {"name": "renamed"},
    "organization": {"name": "renamed"},
    "member": {"role": "owner"},
    "me": {"name": "renamed"},
}


def tag(api: Api, path: str) -> str:
    found: str = api.get(path).headers["ETag"]
    return found


def when(tags: str) -> dict[str, Any]:
    return {"headers": {"If-Match": tags}}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_passes_with_the_tag_of_the_version_and_moves_it(cast: Cast, what: str) -> None:
    ada, path, body = as_user(cast.ada), paths(cast)[what], CHANGES[what]
    read = tag(ada, path)
    changed = ada.patch(path, body, **when(read))
    assert changed.status_code == 200, changed.content
    assert changed.headers["ETag"] == tag(ada, path) != read
    refused = ada.patch(path, body, **when(read))
    problem = assert_problem(refused, 412, "precondition_failed")
    assert refused.headers["ETag"] == changed.headers["ETag"] and refused.headers["ETag"] in problem["detail"]
    again = ada.patch(path, body, **when(refused.headers["ETag"]))
    assert (again.status_code, again.headers["ETag"]) == (200, refused.headers["ETag"])  # nothing has changed


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_is_written_or_recorded_for_another_version(cast: Cast, what: str) -> None:
    ada, path = as_user(cast.ada), paths(cast)[what]
    before, events = ada.get(path), Event.objects.count()
    assert_problem(ada.patch(path, CHANGES[what], **when(STALE)), 412, "precondition_failed")
    after = ada.get(path)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])
    assert Event.objects.count() == events


@pytest.mark.parametrize("what", ["api key", "user", "organization", "member"])
def test_nothing_is_deleted_in_another_version(cast: Cast, what: str, operator: Caller) -> None:
    ada, path = as_user(cast.ada), paths(cast)[what]
    if what == "organization":
        path = f"organizations/{cast.umbrella.uuid}"
    read = tag(ada, path)
    assert_problem(ada.delete(path, **when(STALE)), 412)
    assert tag(ada, path) == read
    assert ada.delete(path, **when(read)).status_code == 204


@pytest.mark.parametrize("action", ["disable", "enable", "rotate"])
def test_actions_on_a_key_are_conditional_too(cast: Cast, action: str) -> None:
    ada, key = as_user(cast.ada), make_key(cast.bob).row
    path = f"api-keys/{key.uuid}"
    if action == "enable":
        ada.post(f"{path}/disable")
    read = tag(ada, path)
    assert_problem(ada.post(f"{path}/{action}", {}, **when(STALE)), 412)
    assert ApiKey.objects.count() == 1 and tag(ada, path) == read
    done = ada.post(f"{path}/{action}", {}, **when(read))
    assert done.status_code in (200, 201)
    assert done.headers["ETag"] == tag(ada, f"api-keys/{done.json()['id']}")
    assert tag(ada, path) != read


def test_the_answer_about_a_new_row_has_its_tag(cast: Cast) -> None:
    ada = as_user(cast.ada)
    person = {"username": "eve", "email": "eve@example.org", "password": PASSWORD, "role": "member"}
    bodies: dict[str, dict[str, Any]] = {
        "api-keys": {"name": "CI"},
        "users": person,
        "organizations": {"name": "Initech"},
        f"organizations/{cast.umbrella.uuid}/members": {"user": str(cast.bob.uuid), "role": "developer"},
    }
    for path, body in bodies.items():
        made = ada.post(path, body)
        assert made.status_code == 201, made.content
        assert made.headers["ETag"] == tag(ada, f"{path}/{made.json()['id']}")


@pytest.mark.parametrize(
    "tags", ["*", " * ", "{0}", '"x", {0}', ' {0} ,"x"', ",, {0} ,", '"a,b", {0}', 'W/"x",{0}', '"",{0}']
)
def test_one_of_several_tags_is_enough(cast: Cast, tags: str) -> None:
    bob = as_user(cast.bob)
    assert bob.patch("auth/me", {"name": "B"}, **when(tags.format(tag(bob, "auth/me")))).status_code == 200


@pytest.mark.parametrize(
    "tags",
    ["x", "", " ", ",", '"x', 'x"', "'x'", '*, "x"', '"x" "y"', 'w/"x"', 'W/ "x"', '"a\tb"', '"a b"', "**"],
)
def test_what_is_no_list_of_tags_is_400_and_says_what_would_be_right(cast: Cast, tags: str) -> None:
    answer = as_user(cast.bob).patch("auth/me", {"name": "B"}, **when(tags))
    problem = assert_problem(answer, 400, "invalid", "If-Match")
    assert "must be * or the ETag of an earlier answer, in its quotes" in problem["detail"]


def test_tags_are_compared_strongly(cast: Cast) -> None:
    bob = as_user(cast.bob)
    problem = assert_problem(bob.patch("auth/me", {"name": "B"}, **when(f"W/{tag(bob, 'auth/me')}")), 412)
    assert "without W/" in problem["detail"]


def test_an_enormous_list_of_tags_is_read_at_once(cast: Cast) -> None:
    bob = as_user(cast.bob)
    assert_problem(bob.patch("auth/me", {"name": "B"}, **when(f"{', ' * 30_000}x")), 400)
    assert_problem(bob.patch("auth/me", {"name": "B"}, **when('"x", ' * 12_000)), 412)


def test_uses_and_logins_move_no_tag(cast: Cast) -> None:
    key, bob = make_key(cast.bob, "services:read"), as_user(cast.bob)
    before = [tag(bob, path) for path in (f"api-keys/{key.row.uuid}", "auth/me")]
    with_key(key).get("auth/me")
    counting.flush()
    bob = as_user(cast.bob)
    key.row.refresh_from_db()
    assert key.row.last_used_at is not None
    assert [tag(bob, path) for path in (f"api-keys/{key.row.uuid}", "auth/me")] == before


def version(row: Any) -> int:
    row.refresh_from_db()
    found: int = row.version
    return found


EDITS: dict[str, Callable[[Cast, ApiKey], Any]] = {
    "limits of a key": lambda cast, key: as_user(cast.bob).patch(
        f"api-keys/{key.uuid}", {"rate_limit": {"requests": 1, "seconds": 1}}
    ),
    "the end of a rotated key": lambda cast, key: as_user(cast.bob).post(
        f"api-keys/{key.uuid}/rotate", {"overlap": "1h"}
    ),
    "a revoked key": lambda cast, key: as_user(cast.bob).delete(f"api-keys/{key.uuid}"),
    "one's own password": lambda cast, key: as_user(cast.bob).post(
        "auth/change-password",
        {"current_password": PASSWORD, "new_password": "another walk to another lighthouse"},
    ),
    "somebody's password": lambda cast, key: as_user(cast.ada).patch(
        f"users/{cast.bob.uuid}", {"password": "another walk to another lighthouse"}
    ),
    "somebody's activity": lambda cast, key: as_user(cast.ada).patch(
        f"users/{cast.bob.uuid}", {"is_active": False}
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_moves_the_version_once(cast: Cast, edit: str) -> None:
    key = make_key(cast.bob).row
    row = key if "key" in edit else cast.bob
    before = version(row)
    assert EDITS[edit](cast, key).status_code < 300
    assert version(row) == before + 1


def test_an_edit_in_the_admin_moves_it_too(cast: Cast, operator: Caller) -> None:
    before = version(cast.bob)
    update_users(caller=operator, selected=[cast.bob, cast.alice], changes=UserChanges(role="auditor"))
    assert version(cast.bob) == before + 1


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_that_changes_nothing_moves_no_tag(cast: Cast, what: str) -> None:
    ada, path = as_user(cast.ada), paths(cast)[what]
    ada.patch(path, CHANGES[what])
    read = tag(ada, path)
    assert ada.patch(path, CHANGES[what]).headers["ETag"] == read


def test_a_member_who_was_removed_and_added_again_is_another_one(cast: Cast, operator: Caller) -> None:
    member = Membership.objects.select_related("user", "organization").get(user=cast.bob)
    read = etag(member)
    remove_member(caller=operator, membership=member)
    again = add_member(caller=operator, organization=cast.acme, user=cast.bob, role="owner")
    assert again.version == member.version and etag(again) != read


def test_rows_of_several_tables_share_no_tag() -> None:
    rows = [table(pk=1, version=1) for table in (User, Organization, Membership, ApiKey)]
    assert len({etag(row) for row in rows}) == len(rows)


def test_a_client_that_sees_part_of_a_person_gets_no_tag(cast: Cast) -> None:
    flow = Flow(make_client("openid", "email"), cast.bob, scope="openid email")
    answer = with_token(flow.tokens()).get("auth/me")
    assert answer.status_code == 200 and "ETag" not in answer.headers


def test_the_right_to_change_is_checked_before_the_version(cast: Cast) -> None:
    bob, key = as_user(cast.bob), make_key(cast.alice).row
    assert_problem(bob.patch(f"api-keys/{key.uuid}", {"name": "x"}, **when(STALE)), 404)
    assert_problem(bob.patch(f"users/{cast.alice.uuid}", {"name": "x"}, **when(STALE)), 403)


def cost(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(statements(captured))


@pytest.mark.once
@pytest.mark.parametrize("what", CHANGES)
def test_a_condition_costs_no_query(cast: Cast, what: str) -> None:
    ada, path = as_user(cast.ada), paths(cast)[what]
    ada.patch(path, CHANGES[what])
    read = tag(ada, path)
    plain = cost(lambda: ada.patch(path, CHANGES[what]))
    assert cost(lambda: ada.patch(path, CHANGES[what], **when(read))) == plain


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", CHANGES)
def test_of_several_who_read_the_same_version_exactly_one_changes_it(cast: Cast, what: str) -> None:
    path, callers = paths(cast)[what], [as_user(cast.ada) for _ in range(4)]
    read, started = tag(callers[0], path), timezone.now()

    def change(number: int) -> Any:
        return callers[number].patch(path, CHANGES[what], **when(read))

    answers = at_once(change, times=4)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (winner,) = (answer for answer in answers if answer.status_code == 200)
    assert tag(callers[0], path) == winner.headers["ETag"]
    assert {answer.headers["ETag"] for answer in answers} == {winner.headers["ETag"]}
    changes = Event.objects.filter(occurred_at__gte=started).exclude(name__startswith="login")
    assert changes.count() == 1
