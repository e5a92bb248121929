"""createorganization, createuser, changepassword: people and organizations from the command line."""

import pytest
from django.contrib.auth.hashers import check_password

from access.callers import caller_at_command_line
from accounts.models import Membership, Organization, User
from audit.models import Event
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import PASSWORD, Cast, as_user

DORA = ("--username", "dora", "--email", "dora@example.org", "--role", "member", "--password-stdin")


def test_an_organization_is_added(db: None) -> None:
    document = run("createorganization", "--name", " Acme ")
    row = Organization.objects.get()
    assert document == {"id": str(row.uuid), "name": "Acme"}


def test_an_organization_whose_name_is_taken_is_refused(cast: Cast) -> None:
    assert "name: ACME is taken by another organization" in refusal_of("createorganization", "--name", "ACME")
    assert Organization.objects.count() == 2


def test_a_person_is_added_with_the_password_from_standard_input(db: None) -> None:
    document = run("createuser", *DORA, "--full-name", "Dora D", stdin=f"{PASSWORD}\nnever read\n")
    dora = User.objects.get()
    assert document == {
        "id": str(dora.uuid),
        "username": "dora",
        "email": "dora@example.org",
        "name": "Dora D",
        "role": "member",
        "organizations": [],
    }
    assert check_password(PASSWORD, dora.password)
    assert not dora.is_superuser


def test_a_person_is_added_to_organizations(cast: Cast) -> None:
    document = run(
        "createuser",
        *DORA,
        *("--organization", "acme=developer", "--organization", "Umbrella=owner"),
        stdin=PASSWORD,
    )
    assert [(row["name"], row["role"]) for row in document["organizations"]] == [
        ("Acme", "developer"),
        ("Umbrella", "owner"),
    ]
    assert Membership.objects.filter(user__username="dora").count() == 2


def test_createuser_makes_a_superuser_with_the_option(db: None) -> None:
    run("createuser", *DORA, "--superuser", stdin=PASSWORD)
    assert User.objects.get().is_superuser


def test_for_people_the_answer_is_a_sentence(db: None) -> None:
    assert output_of("createuser", *DORA, stdin=PASSWORD).startswith("User dora added (")


@pytest.mark.parametrize(
    ("arguments", "password", "reason"),
    [
        ((*DORA, "--role", "emperor"), PASSWORD, "role: must be one of these roles: admin"),
        ((*DORA, "--organization", "Nowhere=owner"), PASSWORD, "organization: 'Nowhere' does not exist"),
        ((*DORA, "--organization", "Acme=emperor"), PASSWORD, "must be one of these organization roles"),
        ((*DORA, "--organization", "Acme"), PASSWORD, "organization: Acme is not NAME=ROLE"),
        ((*DORA, "--organization", "Acme=owner", "--organization", "Acme=owner"), PASSWORD, "already"),
        ((*DORA, "--username", "ALICE"), PASSWORD, "username: ALICE is taken"),
        ((*DORA, "--email", "Alice@Example.org"), PASSWORD, "email: Alice@Example.org is taken"),
        ((*DORA, "--email", "nonsense"), PASSWORD, "email: must be an e-mail address"),
        (DORA, "", "password: It must have at least 15"),
        (DORA, "dora dora dora dora", "password: "),
        (DORA, "passwordpassword", "password: "),
    ],
)
def test_a_refused_person_leaves_nothing_behind(
    cast: Cast, arguments: tuple[str, ...], password: str, reason: str
) -> None:
    before = (User.objects.count(), Membership.objects.count(), Event.objects.count())
    assert reason in refusal_of("createuser", *arguments, stdin=password)
    assert (User.objects.count(), Membership.objects.count(), Event.objects.count()) == before


def test_a_new_password_holds_and_ends_the_sessions(cast: Cast) -> None:
    alice = as_user(cast.alice)
    new = "another walk to the lighthouse"
    assert run("changepassword", "ALICE", "--password-stdin", stdin=new) == {"id": str(cast.alice.uuid)}
    assert alice.get("auth/me").status_code == 401
    cast.alice.refresh_from_db()
    assert check_password(new, cast.alice.password)


def test_a_bad_new_password_changes_nothing(cast: Cast) -> None:
    alice = as_user(cast.alice)
    assert "password: " in refusal_of("changepassword", "alice", "--password-stdin", stdin="short")
    assert alice.get("auth/me").status_code == 200


def test_a_password_is_not_asked_for_where_nobody_can_answer(cast: Cast) -> None:
    assert "use --password-stdin" in refusal_of("changepassword", "alice")


@pytest.mark.requirement(80)
def test_commands_write_the_audit_log_in_the_name_of_the_operator(cast: Cast) -> None:
    run("createorganization", "--name", "Initech")
    run("createuser", *DORA, "--organization", "Initech=owner", stdin=PASSWORD)
    run("changepassword", "dora", "--password-stdin", stdin="another walk to the lighthouse")
    events = list(Event.objects.order_by("-sequence")[:4])
    assert [event.name for event in reversed(events)] == [
        "organization:created",
        "member:added",
        "user:created",
        "password:changed",
    ]
    operator = caller_at_command_line().principal.label
    assert {(event.actor_kind, event.actor_label) for event in events} == {("operator", operator)}


def test_createsuperuser_is_refused_because_it_skips_the_rules(db: None) -> None:
    assert "use createuser --superuser" in refusal_of("createsuperuser")
