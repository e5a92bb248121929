"""DELETE api-keys/{id} and the service behind it: at once, for good, all or none."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from access.callers import caller_at_command_line
from access.principals import Caller, Credential
from accounts.models import User
from accounts.users.lookups import lock
from accounts.users.principals import principal_of
from accounts.users.services import delete_user
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_key, revoke_api_keys
from audit.actors import Origin
from audit.log import verify
from audit.models import Event
from config.wire.errors import Invalid, NotAllowed, NotFound
from config.wire.preconditions import ANY_VERSION
from tests.accounts.helpers import longest_list, rows_are_locked, waiting
from tests.conftest import Cast, as_user, assert_problem, make_key, with_key


def caller(user: User) -> Caller:
    return Caller(principal_of(user, Credential("jwt", "")), Origin.here())


def test_a_revoked_key_is_refused_at_once_and_for_good(cast: Cast) -> None:
    key = make_key(cast.alice, "keys:read")
    assert with_key(key).get("api-keys").status_code == 200
    assert as_user(cast.alice).delete(f"api-keys/{key.row.uuid}").content == b""
    assert_problem(with_key(key).get("api-keys"), 401, "invalid_token")
    shown = as_user(cast.alice).get(f"api-keys/{key.row.uuid}").json()
    assert shown["status"] == "revoked" and shown["revoked_at"].endswith("Z")


def test_revoking_again_is_fine_and_recorded_once(cast: Cast) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    first = [alice.delete(f"api-keys/{key.row.uuid}").status_code for _ in range(2)]
    assert first == [204, 204]
    assert Event.objects.filter(name="api_key:revoked").count() == 1


def test_the_moment_and_reason_of_the_first_revocation_stay(cast: Cast) -> None:
    key = make_key(cast.alice)
    assert revoke_api_keys(caller=caller_at_command_line(), selected=[key.row], reason="leaked") == 1
    before = ApiKey.objects.filter(pk=key.row.pk).values().get()
    assert revoke_api_keys(caller=caller_at_command_line(), selected=[key.row], reason="other") == 0
    assert ApiKey.objects.filter(pk=key.row.pk).values().get() == before
    assert Event.objects.get(name="api_key:revoked").detail == {"reason": "leaked"}


def test_a_key_revokes_itself(cast: Cast) -> None:
    key = make_key(cast.acme, "keys:write")
    assert with_key(key).delete(f"api-keys/{key.row.uuid}").status_code == 204
    assert with_key(key).get("api-keys").status_code == 401


def test_several_keys_are_revoked_together_each_recorded(cast: Cast) -> None:
    rows = [make_key(owner).row for owner in (cast.alice, cast.acme, cast.bob)]
    assert revoke_api_keys(caller=caller_at_command_line(), selected=[*rows, rows[0]]) == 3
    assert Event.objects.filter(name="api_key:revoked").count() == 3
    assert revoke_api_keys(caller=caller_at_command_line(), selected=[]) == 0


def test_of_several_keys_none_is_revoked_if_one_may_not_be(cast: Cast) -> None:
    own, seen, hidden = (make_key(owner).row for owner in (cast.bob, cast.acme, cast.umbrella))
    with pytest.raises(NotAllowed):
        revoke_api_keys(caller=caller(cast.bob), selected=[own, seen])
    with pytest.raises(NotFound):
        revoke_api_keys(caller=caller(cast.bob), selected=[own, hidden])
    assert ApiKey.objects.unrevoked().count() == 3
    assert not Event.objects.filter(name="api_key:revoked").exists()


@pytest.mark.parametrize("reason", ["x" * 201, "a\nb", "\x1b[2J", "a\x00"])
def test_a_reason_that_cannot_be_shown_is_refused(cast: Cast, reason: str) -> None:
    row = make_key(cast.alice).row
    with pytest.raises(Invalid, match="reason: "):
        revoke_api_keys(caller=caller_at_command_line(), selected=[row], reason=reason)
    assert ApiKey.objects.unrevoked().exists()


def at_once(*jobs: "tuple[list[ApiKey], str]") -> list[int]:
    """Revoke each list of keys in a thread of its own, all starting together."""
    together = threading.Barrier(len(jobs))

    def revoke(job: "tuple[list[ApiKey], str]") -> int:
        together.wait()
        try:
            return revoke_api_keys(caller=caller_at_command_line(), selected=job[0], reason=job[1])
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(revoke, jobs))


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_revoke_the_same_keys_in_opposite_order_both_end_and_each_key_is_revoked_once(
    cast: Cast,
) -> None:
    for _ in range(5):
        rows = [make_key(cast.alice).row for _ in range(10)]
        revoked = at_once((rows, "one"), (rows[::-1], "two"))
        assert sorted(revoked) == [0, 10]
        assert not ApiKey.objects.unrevoked().exists()
    assert Event.objects.filter(name="api_key:revoked").count() == 50
    assert verify().faults == []


@pytest.mark.django_db(transaction=True)
def test_overlapping_revocations_share_the_keys_between_them(cast: Cast) -> None:
    rows = [make_key(cast.alice).row for _ in range(9)]
    assert sum(at_once((rows[:6], "one"), (rows[3:][::-1], "two"), (rows[::2], "three"))) == 9
    assert Event.objects.filter(name="api_key:revoked").count() == 9
    assert verify().faults == []


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [revoke_api_keys, disable_api_keys])
def test_owners_are_locked_before_their_keys_and_organizations_before_people(
    cast: Cast, operator: Caller, change: Callable[..., int]
) -> None:
    rows = [make_key(cast.bob).row, make_key(cast.acme).row]
    for held, free in ((cast.acme, [cast.bob, *rows]), (cast.bob, rows)):
        with waiting(lambda: change(caller=operator, selected=rows), holding=partial(lock, held)):
            for row in free:
                assert type(row)._default_manager.select_for_update(nowait=True).get(pk=row.pk)


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_a_single_key_is_revoked_while_its_owner_is_locked(cast: Cast) -> None:
    row = make_key(cast.bob).row
    with transaction.atomic():
        lock(cast.bob)
        assert at_once(([row], "leaked")) == [1]


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_the_deletion_of_an_owner_waits_for_the_revocation_of_a_key(cast: Cast, operator: Caller) -> None:
    row = make_key(cast.bob).row
    revoke = partial(revoke_api_keys, caller=operator, selected=[row])
    with waiting(lambda: delete_user(caller=operator, user=cast.bob), holding=revoke):
        pass
    assert list(Event.objects.order_by("sequence").values_list("name", flat=True))[-2:] == [
        "api_key:revoked",
        "user:deleted",
    ]
    assert verify().faults == []


def revoke_by_name(caller: Caller, row: ApiKey) -> None:
    revoke_api_key(caller=caller, named={"uuid": row.uuid}, expected=ANY_VERSION)


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "revoke", [lambda who, row: revoke_api_keys(caller=who, selected=[row]), revoke_by_name]
)
def test_a_revocation_that_waits_for_the_deletion_of_the_owner_finds_no_key(
    cast: Cast, operator: Caller, revoke: Callable[[Caller, ApiKey], object]
) -> None:
    row = make_key(cast.bob).row
    delete = partial(delete_user, caller=operator, user=cast.bob)
    with pytest.raises(NotFound), waiting(lambda: revoke(operator, row), holding=delete):
        pass
    assert not Event.objects.filter(name="api_key:revoked").exists()


@pytest.mark.parametrize(("who", "refusal"), [("bob", NotAllowed), ("mallory", NotFound)])
def test_a_key_that_the_caller_may_not_manage_is_not_revoked_by_its_name(
    cast: Cast, who: str, refusal: type[Exception]
) -> None:
    row = make_key(cast.acme).row
    with pytest.raises(refusal):
        revoke_by_name(caller(getattr(cast, who)), row)
    assert ApiKey.objects.unrevoked().exists()


def test_one_statement_reads_the_key_that_a_client_revokes(cast: Cast) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    with CaptureQueriesContext(connection) as captured:
        assert alice.delete(f"api-keys/{key.row.uuid}").status_code == 204
    statements = [each["sql"] for each in captured if '"apikeys_apikey"' in each["sql"]]
    assert [sql.split()[0] for sql in statements] == ["SELECT", "UPDATE"]


@pytest.mark.parametrize("change", [revoke_api_keys, disable_api_keys])
def test_no_statement_names_more_keys_than_fit_into_one(
    cast: Cast, operator: Caller, change: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_key(owner).row for owner in (cast.acme, cast.alice, cast.umbrella, cast.bob, cast.ada)]
    monkeypatch.setattr("config.database.rows.MOST_AT_ONCE", 2)
    with CaptureQueriesContext(connection) as captured:
        assert change(caller=operator, selected=rows) == 5
    assert longest_list(captured) == 2
    with pytest.raises(NotAllowed):
        change(caller=caller(cast.audrey), selected=rows)
