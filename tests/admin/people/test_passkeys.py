"""Passkeys in the admin: administrators see who has which, and remove those that were lost."""

from accounts.models import Mail, Passkey, RecoveryCode, SecondFactor, Session, User
from audit.models import Event
from tests.accounts.passkeys.authenticator import Authenticator, added, at_localhost
from tests.admin.helpers import act, confirm, messages_of, page, text_of
from tests.conftest import Cast
from tests.logins import browser

LIST = "accounts_passkey_changelist"
REMOVE = ("accounts_passkey", "remove")


def test_the_list_names_owner_and_passkey_and_finds_people(cast: Cast) -> None:
    added(at_localhost(cast.bob), Authenticator())
    added(at_localhost(cast.alice), Authenticator(number=2))
    client = browser(cast.ada)
    shown = text_of(client.get(page(LIST)))
    assert all(word in shown for word in ("bob", "alice", "Laptop", "localhost", "on one device"))
    found = text_of(client.get(page(LIST), {"q": "ali"}))
    assert "alice" in found and "bob" not in found


def test_an_administrator_removes_one_and_its_owner_is_told_and_logged_out(cast: Cast) -> None:
    client = at_localhost(cast.bob)
    codes = added(client, Authenticator())
    added(client, Authenticator(number=2), code=codes[0])
    lost, kept = Passkey.objects.order_by("pk")
    ada = browser(cast.ada)
    assert "“Laptop” of bob" in text_of(act(ada, *REMOVE, lost))
    assert Passkey.objects.count() == 2
    assert messages_of(confirm(ada, *REMOVE, lost)) == ["1 passkey removed."]
    assert Passkey.objects.get() == kept and SecondFactor.objects.get().confirmed
    assert RecoveryCode.objects.exists()
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id, event.target_id) == (
        "passkey:removed",
        str(cast.ada.uuid),
        str(cast.bob.uuid),
    )
    assert Mail.objects.filter(kind="passkey_removed", address="bob@example.org").count() == 1
    assert not Session.objects.filter(user=cast.bob, ended_at=None).exists()
    assert Session.objects.filter(user=cast.ada, ended_at=None).exists()


def test_with_the_last_one_the_second_factor_ends(cast: Cast) -> None:
    client = at_localhost(cast.bob)
    codes = added(client, Authenticator())
    added(client, Authenticator(number=2), code=codes[0])
    assert messages_of(confirm(browser(cast.ada), *REMOVE, *Passkey.objects.all())) == ["2 passkeys removed."]
    assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
    assert Event.objects.filter(name="passkey:removed").count() == 2


def test_nobody_removes_those_of_people_above_them(cast: Cast, people_manager: User) -> None:
    added(at_localhost(cast.ada), Authenticator())
    added(at_localhost(cast.bob), Authenticator(number=2))
    answer = confirm(browser(people_manager), *REMOVE, *Passkey.objects.all())
    assert messages_of(answer) == ["ada may do more than you."]
    assert Passkey.objects.count() == 2


def test_nobody_removes_their_own_or_any_without_the_power(cast: Cast) -> None:
    added(at_localhost(cast.bob), Authenticator())
    ada = browser(cast.ada)
    Passkey.objects.update(second_factor=SecondFactor.objects.create(user=cast.ada))
    answer = confirm(ada, *REMOVE, *Passkey.objects.all())
    assert "you cannot remove your own second factor here" in messages_of(answer)[0]
    assert confirm(browser(cast.audrey), *REMOVE, *Passkey.objects.all()).status_code == 403
    assert Passkey.objects.count() == 1


def test_the_admin_shows_a_passkey_and_neither_adds_nor_changes_any(cast: Cast) -> None:
    added(at_localhost(cast.bob), Authenticator())
    ada, one = browser(cast.ada), page("accounts_passkey_change", Passkey.objects.get().pk)
    shown = text_of(ada.get(one))
    assert "Laptop" in shown and '<input type="text"' not in shown
    refused = (one, page("accounts_passkey_add"), page("accounts_passkey_delete", Passkey.objects.get().pk))
    assert [ada.post(address, {"name": "mine"}).status_code for address in refused] == [403] * 3
    assert Passkey.objects.get().name == "Laptop"
