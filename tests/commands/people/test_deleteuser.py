"""deleteuser: a person deleted from the command line."""

import pytest

from accounts.models import User
from audit.models import Event
from tests.commands.helpers import output_of, refusal_of, run
from tests.commands.start.test_setup_terminal import at_a_terminal
from tests.conftest import PASSWORD, Cast, make_key
from tests.installation import Installation


def test_a_person_is_deleted_and_recorded(cast: Cast) -> None:
    make_key(cast.bob)
    document = run("deleteuser", "BOB", "--yes")
    assert document == {
        "id": str(cast.bob.uuid),
        "username": "bob",
        "email": "bob@example.org",
        "organizations": 1,
        "api_keys": 1,
        "deleted": True,
    }
    assert not User.objects.filter(username="bob").exists()
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_kind, event.target_label) == ("user:deleted", "operator", "bob")


def test_a_dry_run_says_who_and_deletes_nobody(cast: Cast) -> None:
    events = Event.objects.count()
    assert run("deleteuser", "bob@example.org", "--dry-run")["deleted"] is False
    assert "would be deleted (memberships: 1, API keys: 0)" in output_of(
        "deleteuser", "bob", "--dry-run", "--yes"
    )
    assert User.objects.filter(username="bob").exists()
    assert Event.objects.count() == events


def test_a_dry_run_refuses_what_would_be_refused(cast: Cast) -> None:
    events = Event.objects.count()
    assert "at least one administrator must remain" in refusal_of("deleteuser", "ada", "--dry-run")
    assert Event.objects.count() == events


def test_without_a_terminal_it_must_be_said_that_it_is_meant(cast: Cast) -> None:
    assert "use --yes" in refusal_of("deleteuser", "bob", stdin="yes\n")
    assert User.objects.filter(username="bob").exists()


@pytest.mark.requirement(51)
def test_the_last_administrator_is_not_deleted(cast: Cast) -> None:
    assert "at least one administrator must remain" in refusal_of("deleteuser", "ada", "--yes")
    assert User.objects.filter(username="ada").exists()


@pytest.mark.parametrize("who", ["nobody", "", "a\x00b"])
def test_an_unknown_person_is_named(cast: Cast, who: str) -> None:
    assert "user: " in refusal_of("deleteuser", who, "--yes")


@pytest.mark.once
def test_at_a_terminal_it_is_asked_and_only_yes_is_yes(installation: Installation) -> None:
    dora = ("--username", "dora", "--email", "dora@example.org", "--role", "member", "--password-stdin")
    installation.manage_json("createuser", *dora, stdin=PASSWORD)
    for answer, code, words in (("y", 1, "nothing was done"), ("yes", 0, "User dora deleted")):
        with at_a_terminal(installation, "deleteuser", "dora") as terminal:
            terminal.wait_for("This deletes dora (memberships: 0, API keys: 0) for good. Type yes")
            terminal.type(f"{answer}\n")
            assert terminal.end() == code
            assert words in terminal.seen
    assert "user: 'dora' does not exist" in installation.manage("deleteuser", "dora", "--yes").stderr
