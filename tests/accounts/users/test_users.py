"""Adding and changing people: what is taken, what is refused, what is recorded."""

from typing import Any

import pytest

from access.principals import Caller
from accounts.models import Membership, User
from accounts.users.changes import UserChanges
from accounts.users.services import create_user, update_user, update_users
from audit.models import Event
from config.wire.errors import Conflict, DomainError, Invalid, NotAllowed
from tests.accounts.helpers import at_once, caller_as
from tests.conftest import PASSWORD, Cast, add_user, log_in

NEW = {"username": "dora", "email": "dora@example.org", "role": "member", "password": PASSWORD}


def create(caller: Caller, **members: Any) -> User:
    return create_user(caller=caller, **(NEW | members))


def refused(error: type[DomainError], member: str | None, caller: Caller, **members: Any) -> None:
    """Assert that nobody is added, with this member named."""
    before = User.objects.count(), Event.objects.count()
    with pytest.raises(error) as caught:
        create(caller, **members)
    assert member is None or list(caught.value.errors) == [member]
    assert (User.objects.count(), Event.objects.count()) == before


def test_a_person_is_added_with_all_that_is_known_of_them(cast: Cast, operator: Caller) -> None:
    user = create(operator, name="  Dora Maar ", memberships=[(cast.acme, "developer")])
    stored = User.objects.get(pk=user.pk)
    assert (stored.username, stored.email, stored.name) == ("dora", "dora@example.org", "Dora Maar")
    assert stored.is_active
    assert not stored.is_superuser
    assert Membership.objects.get(user=user).role == "developer"
    assert PASSWORD not in stored.password
    assert log_in(stored)


def test_a_person_need_not_have_a_user_name(operator: Caller, db: None) -> None:
    for number in range(2):
        create(operator, username=None, email=f"dora{number}@example.org")
    assert User.objects.filter(username_key=None).count() == 2


@pytest.mark.parametrize(
    "taken",
    ["ALICE", "ａｌｉｃｅ", "Ⓐlice", "ali\u00adce", "alice\u3164", "al\u2060ice"],  # noqa: RUF001
)
@pytest.mark.requirement(52)
def test_a_user_name_that_looks_like_another_is_refused(cast: Cast, operator: Caller, taken: str) -> None:
    with pytest.raises((Conflict, Invalid)) as caught:
        create(operator, username=taken)
    assert list(caught.value.errors) == ["username"]
    assert not User.objects.filter(email="dora@example.org").exists()


@pytest.mark.parametrize("taken", ["ALICE@example.org", "alice@EXAMPLE.ORG", "ａlice@example.org"])  # noqa: RUF001
@pytest.mark.requirement(52)
def test_an_email_address_that_is_another_in_disguise_is_refused(
    cast: Cast, operator: Caller, taken: str
) -> None:
    refused(Conflict, "email", operator, email=taken)


@pytest.mark.requirement(52)
def test_names_are_unique_in_the_database_itself(cast: Cast) -> None:
    unique = {field.name for field in User._meta.get_fields() if getattr(field, "unique", False)}
    assert {"username_key", "email_key", "uuid"} <= unique


@pytest.mark.parametrize(
    "name", ["alice@example.org", "a b", "a/b", "a" * 151, "\u3164", "a\u1160", "a\nb", "‮a"]
)
def test_a_user_name_of_other_characters_is_refused(operator: Caller, db: None, name: str) -> None:
    refused(Invalid, "username", operator, username=name)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dora",
        "dora@",
        "@example.org",
        "d" * 250 + "@example.org",
        '"\x1b[31m"@example.org',
        "d@exam\u200bple.org",
    ],
)
def test_what_is_no_email_address_is_refused(operator: Caller, db: None, address: str) -> None:
    refused(Invalid, "email", operator, email=address)


@pytest.mark.parametrize("name", ["x" * 101, "a\nb", "\x1b[31m", "\u3164"])
def test_a_name_that_cannot_be_shown_is_refused(operator: Caller, db: None, name: str) -> None:
    refused(Invalid, "name", operator, name=name)


@pytest.mark.parametrize("role", ["", "root", "owner", "ADMIN", "*"])
def test_an_unknown_role_or_an_organization_role_is_refused(operator: Caller, db: None, role: str) -> None:
    refused(Invalid, "role", operator, role=role)


def test_nothing_is_written_when_the_last_membership_is_refused(cast: Cast, operator: Caller) -> None:
    roles = [(cast.acme, "developer"), (cast.umbrella, "no such role")]
    refused(Invalid, "role", operator, memberships=roles)
    assert not Membership.objects.filter(user__username="dora").exists()
    refused(Conflict, "user", operator, memberships=[(cast.acme, "developer")] * 2)


def test_nothing_else_about_a_person_is_changed() -> None:
    for member in ("uuid", "created_at", "username_key", "organization"):
        sent: Any = {"name": "Ali", member: "x"}
        with pytest.raises(TypeError, match=member):
            UserChanges(**sent)


def test_several_people_get_no_password_together(cast: Cast, operator: Caller) -> None:
    changes, people = UserChanges(password=PASSWORD), [cast.alice, cast.bob]
    before = list(User.objects.order_by("pk").values())
    with pytest.raises(Invalid, match="one person at a time"):
        update_users(caller=operator, selected=people, changes=changes)
    assert list(User.objects.order_by("pk").values()) == before
    assert PASSWORD not in repr(changes)


def test_every_change_is_one_event_and_no_change_is_no_event(cast: Cast, operator: Caller) -> None:
    changes = UserChanges(name="Ali", role="auditor", is_active=False, is_superuser=True)
    last = Event.objects.count()
    for _ in range(2):
        update_user(caller=operator, user=cast.alice, changes=changes)
    events = Event.objects.filter(sequence__gt=last).order_by("sequence")
    assert [event.name for event in events] == [
        *("user:deactivated", "role:changed", "role:changed", "user:changed"),
    ]
    assert events[1].detail == {"from": "member", "to": "auditor", "what": "role"}
    assert {event.target_id for event in events} == {str(cast.alice.uuid)}


@pytest.mark.parametrize("name", ["audrey", "alice", "mallory"])
@pytest.mark.requirement(50)
def test_only_managers_of_people_add_and_change_people(cast: Cast, name: str) -> None:
    caller = caller_as(getattr(cast, name))
    refused(NotAllowed, None, caller)
    with pytest.raises(NotAllowed):
        update_user(caller=caller, user=cast.bob, changes=UserChanges(name="Robert"))
    with pytest.raises(NotAllowed):
        update_user(caller=caller, user=getattr(cast, name), changes=UserChanges(role="admin"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(52)
def test_when_eight_want_the_same_user_name_at_once_one_gets_it(operator: Caller) -> None:
    def attempt(number: int) -> str:
        try:
            create(operator, username=["dora", "DORA"][number % 2], email=f"dora{number}@example.org")
        except Conflict as error:
            return next(iter(error.errors))
        return "created"

    assert sorted(at_once(attempt, times=8)) == ["created"] + ["username"] * 7
    assert User.objects.count() == 1
    assert Event.objects.filter(name="user:created").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(52)
def test_when_eight_want_the_same_address_at_once_one_gets_it(operator: Caller) -> None:
    def attempt(number: int) -> str:
        try:
            create(operator, username=f"dora{number}")
        except Conflict as error:
            return next(iter(error.errors))
        return "created"

    assert sorted(at_once(attempt, times=8)) == ["created"] + ["email"] * 7


def test_people_are_shown_by_their_user_name_or_else_their_address(operator: Caller, db: None) -> None:
    assert str(add_user("dora")) == "dora"
    assert str(create(operator, username=None, email="d@example.org")) == "d@example.org"
