"""What people see of organizations: their own, those that their role shows, and no button that is refused."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from access.principals import Caller
from accounts.models import Membership, Organization
from accounts.organizations.services import add_member
from config import profiles
from config.profiles import Profile
from config.wire.fields import timestamp
from tests.accounts.authenticator import enrolled
from tests.conftest import Cast, add_user
from tests.console.helpers import console_of
from tests.console.organizations.helpers import (
    LIST,
    XSS,
    buttons,
    member_page,
    page_of,
    refused,
    seen,
    viewer,
)


def test_an_owner_sees_their_organization_its_members_and_what_they_can_do(company: Cast) -> None:
    client = console_of(company.alice)
    shown = seen(client, LIST)
    assert page_of(company.acme) in shown and "Everything inside one organization" in shown
    assert "Umbrella" not in shown and "Create organization" not in shown
    shown = seen(client, page_of(company.acme))
    for part in ("bob@example.org", "Alice", "developer", member_page(company.acme, company.bob)):
        assert part in shown
    assert shown.count(">you<") == 1
    for page in ("invitations", "invitations/new", "settings", "delete", "add"):
        assert seen(client, page_of(company.acme, page))


def test_an_administrator_sees_all_organizations_and_may_create_one(company: Cast) -> None:
    client = console_of(company.ada)
    shown = seen(client, LIST)
    assert "Acme" in shown and "Umbrella" in shown and "not a member" in shown
    assert f'{LIST}/new"' in shown
    assert "You are not a member." in seen(client, page_of(company.umbrella))


def test_an_auditor_sees_all_organizations_and_changes_none(company: Cast) -> None:
    client = console_of(company.audrey)
    assert buttons(seen(client, LIST)) == []
    assert buttons(seen(client, page_of(company.acme))) == []
    assert client.get(page_of(company.acme, "settings")).status_code == 403


def test_a_viewer_sees_the_members_but_no_second_factor_and_no_button(company: Cast) -> None:
    client = console_of(viewer(company))
    shown = seen(client, page_of(company.acme))
    assert "bob@example.org" in shown and "Second factor" not in shown
    assert buttons(shown) == []
    pages = ("invitations", "invitations/new", "settings", "delete", "add", f"members/{company.bob.uuid}")
    for page in pages:
        assert client.get(page_of(company.acme, page)).status_code == 403


def test_a_developer_sees_that_they_belong_and_no_more(company: Cast) -> None:
    client = console_of(company.bob)
    shown = seen(client, LIST)
    assert "Acme" in shown and "developer" in shown and "your role does not show them" in shown
    assert page_of(company.acme) not in shown
    assert client.get(page_of(company.acme)).status_code == 404


def test_an_outsider_is_told_what_to_do(company: Cast) -> None:
    shown = seen(console_of(company.mallory), LIST)
    assert "Ask an owner or an administrator to invite you" in shown and "Acme" not in shown


def test_a_member_of_two_organizations_sees_each_with_their_role_there(company: Cast) -> None:
    person = add_user("tessa", memberships=[(company.acme, "owner"), (company.umbrella, "viewer")])
    client = console_of(person)
    shown = seen(client, LIST)
    assert page_of(company.acme) in shown and page_of(company.umbrella) in shown
    assert buttons(seen(client, page_of(company.acme))) and not buttons(
        seen(client, page_of(company.umbrella))
    )


@pytest.mark.requirement(77)
def test_owners_see_who_has_a_second_factor(company: Cast) -> None:
    client = console_of(company.alice)
    assert "status good" not in seen(client, page_of(company.acme))
    enrolled(company.bob)
    assert seen(client, page_of(company.acme)).count("status good") == 1


@pytest.mark.requirement(47)
def test_an_organization_of_others_and_one_that_is_none_have_the_same_page(company: Cast) -> None:
    client = console_of(company.charlie)
    nobody = "11111111-2222-4333-8444-555555555555"
    own = page_of(company.umbrella)
    paths = (
        *(page_of(company.acme), page_of(company.acme, "settings"), f"{LIST}/{nobody}", f"{LIST}/x"),
        *(f"{LIST}/%00", f"{LIST}/{'x' * 5000}", f"{own}/members/{nobody}", f"{own}/members/x"),
        member_page(company.umbrella, company.alice),
    )
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 404 and "There is no such page" in answer.content.decode(), path
        assert client.post(path, {"role": "owner", "name": "x"}).status_code in (404, 405), path
    assert role_is_kept(company)


def role_is_kept(cast: Cast) -> bool:
    return Membership.objects.get(user=cast.alice).role == "owner"


def test_visitors_are_led_to_the_login(company: Cast) -> None:
    for path in (LIST, page_of(company.acme), page_of(company.acme, "delete")):
        assert Client().get(path)["Location"].startswith("/account/login?next=")


def test_a_role_that_the_profile_no_longer_has_is_named_and_allows_nothing(company: Cast) -> None:
    Membership.objects.filter(user=company.bob).update(role="a former role")
    assert "so it allows nothing" in seen(console_of(company.alice), page_of(company.acme))
    assert "a former role" in seen(console_of(company.bob), LIST)


def test_a_profile_without_roles_in_organizations_has_pages_that_say_so(
    served_profile: Callable[[Profile], None], db: None
) -> None:
    served_profile(profiles.load("dariet"))
    admin, person = add_user("ada", "admin"), add_user("vic", "viewer")
    assert "There are no organizations" in seen(console_of(admin), LIST)
    assert "You belong to no organization" in seen(console_of(person), LIST)
    client = console_of(admin)
    client.post(f"{LIST}/new", {"name": "Acme"})
    invite = page_of(Organization.objects.get(), "invitations", "new")
    refused(client, invite, {"email": "eve@example.net", "role": "viewer"}, 400)


def test_other_role_names_are_shown_in_their_own_words(
    served_profile: Callable[[Profile], None], db: None
) -> None:
    served_profile(profiles.load("sentrikat"))
    root = add_user("root", "super_admin")
    client = console_of(root)
    client.post(f"{LIST}/new", {"name": "Acme"})
    shown = seen(client, page_of(Organization.objects.get(), "invitations", "new"))
    assert "org_user: Reads in one organization, with keys of their own" in shown and "developer" not in shown


def test_names_are_texts_on_every_page(company: Cast) -> None:
    Organization.objects.filter(pk=company.acme.pk).update(name=XSS)
    type(company.bob).objects.filter(pk=company.bob.pk).update(name=XSS, username=XSS, email=f"{XSS}@x.org")
    client = console_of(company.alice)
    own, bob = page_of(company.acme), member_page(company.acme, company.bob)
    for path in (LIST, own, bob, f"{bob}/remove", f"{own}/settings", f"{own}/delete", f"{own}/invitations"):
        assert XSS not in seen(client, path) and "&lt;script&gt;" in seen(client, path), path


def test_lists_have_pages_of_fifty_and_a_search(company: Cast) -> None:
    people = [add_user(f"person{number}") for number in range(52)]
    rows = [Membership(user=each, organization=company.acme, role="developer") for each in people]
    Membership.objects.bulk_create(rows)
    client, own = console_of(company.alice), page_of(company.acme)
    assert seen(client, own).count("<tr>") == 51 and "Page 1 of 2, 54 in all" in seen(client, own)
    assert seen(client, own, page="2").count("<tr>") == 5
    assert seen(client, own, search="PERSON51").count("<tr>") == 2
    assert "No member matches." in seen(client, own, search="nobody")
    for odd in ("0", "-1", "x", "9" * 5000, "\0"):
        assert seen(client, own, page=odd)
    for odd in ("\0", "é" * 5000):
        assert (
            client.get(own, {"search": odd}).status_code
            == client.get(LIST, {"search": odd}).status_code
            == 400
        )


def test_organizations_are_found_by_name(company: Cast) -> None:
    client = console_of(company.ada)
    found = seen(client, LIST, search="UMB")
    assert "Umbrella" in found and "Acme" not in found
    assert "No organization matches." in seen(client, LIST, search="nothing")


@pytest.mark.parametrize("more", [0, 30])
def test_pages_take_the_same_number_of_queries_for_any_number_of_rows(
    more: int, company: Cast, operator: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [add_user(f"person{number}") for number in range(more)]
    for person in people:
        add_member(caller=operator, organization=company.acme, user=person, role="developer")
    client = console_of(company.ada)
    client.get(LIST)
    own = page_of(company.acme)
    # Each page: the cookie, the session, the memberships. Then:
    with django_assert_num_queries(5):  # the count, the organizations with their members
        client.get(LIST)
    with django_assert_num_queries(6):  # the organization, the count, the members
        client.get(own)
    with django_assert_num_queries(5):  # the organization, the count of invitations
        client.get(f"{own}/invitations")
    with django_assert_num_queries(5):  # the organization, the quota
        client.get(f"{own}/settings")
    with django_assert_num_queries(10):  # the organization, six counts
        client.get(f"{own}/delete")


def test_members_are_listed_with_the_day_on_which_they_joined(company: Cast) -> None:
    Membership.objects.filter(user=company.bob).update(joined_at=None)
    shown = seen(console_of(company.alice), page_of(company.acme))
    joined = Membership.objects.get(user=company.alice).joined_at
    assert joined is not None
    assert "Joined" in shown and timestamp(joined) in shown
    assert shown.count("not recorded") == 1
