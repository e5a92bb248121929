"""Organizations and their people: invited, given other roles, renamed, deleted."""

from datetime import timedelta

from access.callers import caller_at_command_line
from accounts.models import Invitation, Membership, Organization, User
from accounts.organizations.services import add_member
from apikeys.services.rotation import rotate_api_key
from tests.conftest import Cast, make_key
from tests.provisioning.conftest import Write, apply, changes, drift_of, refused, works


def test_an_organization_is_deleted_only_if_the_file_says_so_and_prune_too(cast: Cast, write: Write) -> None:
    key = make_key(cast.acme, "services:read", name="Old")
    rotate_api_key(caller=caller_at_command_line(), key=key.row, expires_at=None, overlap=timedelta(days=1))
    write("organizations: {Acme: {absent: true}, Nobody: {absent: true}}")
    code, shown = drift_of()
    assert code == 0 and "organization Acme is absent in the file and stays" in shown
    apply()
    assert works(key)
    assert ("delete", "organization", "Acme") in changes("--prune")
    apply("--prune")
    assert not Organization.objects.filter(name="Acme").exists()
    assert not works(key)
    assert User.objects.filter(username="alice").exists()
    assert drift_of("--prune") == (0, "No changes.\n")


def test_the_last_who_may_manage_is_not_removed(strong_owners: None, cast: Cast, write: Write) -> None:
    said = "keyhouse.yaml:1: Acme: members: nobody could manage the organization any more"
    write("organizations: {Acme: {members: {alice@example.org: developer, bob: developer}}}")
    assert refused() == said
    write("organizations: {Acme: {members: {bob: developer}}}")
    assert drift_of()[0] == 0
    assert refused("--prune") == said
    User.objects.filter(username="bob").update(is_active=False)
    write("organizations: {Acme: {members: {alice@example.org: developer, bob: owner}}}")
    assert refused() == said, "bob could not manage it: he is not active"
    User.objects.filter(username="bob").update(is_active=True)
    write("organizations: {Acme: {members: {bob: owner}}}")
    apply("--prune")
    assert Membership.objects.get(organization=cast.acme).user == cast.bob


def test_a_person_is_invited_once_and_never_made(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {members: {new@example.org: developer}}}")
    people = User.objects.count()
    assert (
        refused()
        == "keyhouse.yaml:1: new@example.org: is not a member yet; --inviter USER says who invites people"
    )
    apply("--inviter", "ada")
    assert User.objects.count() == people
    assert drift_of()[0] == 0
    write("organizations: {Acme: {members: {new@example.org: owner}}}")
    apply("--inviter", "ada@example.org")
    assert Invitation.objects.get().role == "owner"
    write("organizations: {Acme: {members: {alice: owner, bob: developer}}}")
    apply("--prune")
    assert not Invitation.objects.exists()


def test_somebody_who_was_added_meanwhile_is_a_member(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {members: {mallory@example.org: developer}}}")
    apply("--inviter", "ada")
    add_member(caller=caller_at_command_line(), organization=cast.acme, user=cast.mallory, role="developer")
    assert drift_of().code == 0


def test_an_inviter_must_be_able_to_invite(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {members: {new@example.org: developer}}}")
    said = "inviter: bob may not invite to Acme with the role developer"
    assert said in refused("--inviter", "bob")
    assert refused("--inviter", "nobody") == "user: 'nobody' does not exist"
    User.objects.filter(username="ada").update(is_active=False)
    assert "inviter: ada is not active" in refused("--inviter", "ada")
    assert not Invitation.objects.exists()


def test_somebody_without_membership_is_named_by_address(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {members: {mallory: developer}}}")
    assert "mallory is not a member; give the address to invite" in refused("--inviter", "ada")
    write("organizations: {Acme: {members: {alice: owner, ALICE@example.org: owner}}}")
    assert "members: alice and alice@example.org are the same; name it once" in refused()


def test_an_organization_is_renamed_where_the_file_says_so(cast: Cast, write: Write) -> None:
    write("organizations: {Acme Corp: {}}")
    assert changes() == [("create", "organization", "Acme Corp")]
    write("organizations: {Acme Corp: {renamed_from: Acme}}")
    assert changes() == [("update", "organization", "Acme")]
    apply()
    cast.acme.refresh_from_db()
    assert cast.acme.name == "Acme Corp"
    assert drift_of()[0] == 0
    write("organizations: {Umbrella: {renamed_from: Acme Corp}}")
    assert "Acme Corp is still there beside Umbrella; rename one by hand" in refused()
