"""The first administrator: created once, and only if no account exists."""

import pytest

from access.principals import Caller
from accounts.models import Membership, Organization, User
from accounts.organizations.services import create_organization
from accounts.users.first_run import create_first_admin, is_first_run
from audit.models import Event
from config.wire.errors import Invalid
from tests.accounts.helpers import at_once
from tests.conftest import PASSWORD, Api, Cast, assert_problem


def make(operator: Caller, name: str = "root", password: str = PASSWORD) -> User | None:
    email = f"{name}@example.org"
    return create_first_admin(caller=operator, username=name, email=email, password=password)


@pytest.mark.requirement(12)
def test_a_fresh_installation_has_no_accounts(anonymous: Api) -> None:
    assert is_first_run()
    for name in ("admin", "root", "keyhouse"):
        body = {"username": name, "password": name}
        assert_problem(anonymous.post("auth/login", body), 401, "invalid_credentials")


def test_the_first_administrator_may_do_everything_and_owns_the_first_organization(
    operator: Caller, db: None
) -> None:
    root = make(operator)
    assert root is not None
    assert root.is_superuser
    assert root.role == "admin"
    membership = Membership.objects.get()
    assert (membership.user, membership.organization.name, membership.role) == (root, "default", "owner")
    assert not is_first_run()


@pytest.mark.requirement(5)
def test_a_common_password_of_the_first_administrator_leaves_nothing_behind(
    operator: Caller, db: None
) -> None:
    with pytest.raises(Invalid):
        make(operator, password="passwordpassword")
    assert is_first_run()
    assert not Organization.objects.exists()
    assert not Event.objects.exists()


def test_an_organization_that_is_there_already_keeps_nobody_out(operator: Caller, db: None) -> None:
    existing = create_organization(caller=operator, name="Default")
    assert make(operator) is not None
    assert Membership.objects.get().organization == existing


def test_an_installation_with_an_account_gets_no_first_administrator(cast: Cast, operator: Caller) -> None:
    assert make(operator) is None
    assert not Organization.objects.filter(name="default").exists()
    create_organization(caller=operator, name="default")
    assert make(operator) is None
    assert not User.objects.filter(username="root").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("existing", [False, True])
def test_of_four_first_starts_at_once_one_makes_the_administrator(operator: Caller, existing: bool) -> None:
    if existing:
        create_organization(caller=operator, name="default")
    made = at_once(lambda number: make(operator, f"root{number}"), times=4)
    assert len([user for user in made if user is not None]) == 1
    assert User.objects.count() == Organization.objects.count() == 1
