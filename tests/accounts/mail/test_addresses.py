"""E-mail addresses that are not ASCII: refused, or mailed to the domain that was meant."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.mail.delivery import Round, send_due
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import Mail, User
from accounts.users.lookups import find_by_identifier, throttled_as, user_named
from accounts.users.names import clean_email, fold_email
from audit.actors import Origin
from audit.models import Event
from config.wire.errors import Invalid
from tests.accounts.mailbox import Mailbox
from tests.commands.helpers import run
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem

MAILED = {
    "anna@stra\u00dfe.example": "anna@xn--strae-oqa.example",
    "anna@strasse.example": "anna@strasse.example",
    "anna@B\u00dcCHER.example": "anna@xn--bcher-kva.example",
    "anna@xn--bcher-kva.example": "anna@xn--bcher-kva.example",
    "Anna+tag@Example.ORG": "Anna+tag@Example.ORG",
    "\uff41nna@ex\uff41mple.org": "anna@example.org",
    "anna@[192.0.2.1]": "anna@[192.0.2.1]",
    "o'hara@example.org": "o'hara@example.org",
}
REFUSED = [
    "m\u0131ke@example.org",
    "j\u00f6rg@example.org",
    "\u043c\u0438\u043a\u0435@example.org",
    "anna@\u2603.example",
    "anna@xn--a.example",
    "anna@ab--\u00fc.example",
]
SAME = [
    [
        "anna@b\u00fccher.example",
        "ANNA@B\u00dcCHER.EXAMPLE",
        "anna@xn--bcher-kva.example",
        "Anna@XN--BCHER-KVA.example",
    ],
    ["anna@stra\u00dfe.example", "anna@STRA\u1e9eE.example", "anna@xn--strae-oqa.example"],
    ["anna@strasse.example", "anna@STRASSE.example", "\uff41nna@\uff53trasse.example"],
    ["anna@\u03b2\u03cc\u03bb\u03bf\u03c2.example", "anna@xn--nxasmm1c.example"],
    ["anna@\u03b2\u03cc\u03bb\u03bf\u03c3.example", "anna@xn--nxasmq6b.example"],
    ["anna@\u0131.example", "anna@xn--cfa.example"],
    ["anna@i.example", "anna@I.example"],
    ["anna@xn--a.example", "anna@XN--A.example"],
]


@pytest.mark.parametrize("typed", MAILED)
@pytest.mark.requirement(114)
def test_a_mail_goes_to_the_domain_that_was_meant(db: None, mailbox: Mailbox, typed: str) -> None:
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address=clean_email(typed), origin=Origin.here())
    assert send_due() == Round(sent=1)
    assert mailbox.mails[0]["To"] == MAILED[typed]
    assert mailbox.recipients == [MAILED[typed]]


@pytest.mark.parametrize("typed", REFUSED)
@pytest.mark.requirement(114)
def test_an_address_that_no_mail_reaches_is_refused(cast: Cast, typed: str) -> None:
    with pytest.raises(Invalid):
        clean_email(typed)
    assert_problem(Api().post("auth/forgot-password", {"email": typed}), 400, "invalid")


@pytest.mark.requirement(114)
def test_letters_that_look_like_ascii_are_named_as_the_reason(db: None) -> None:
    with pytest.raises(Invalid, match="only ASCII characters before the @"):
        clean_email("m\u0131ke@example.org")


@pytest.mark.requirement(114)
def test_a_mail_to_such_an_address_is_dropped_and_recorded(cast: Cast, mailbox: Mailbox) -> None:
    stored_before("alice", "m\u0131ke@example.org")
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address="m\u0131ke@example.org", origin=Origin.here())
    assert send_due() == Round(failed=1)
    assert not Mail.objects.exists() and not mailbox.mails
    event = Event.objects.get(name="mail:refused")
    assert event.detail["code"] == 553 and event.target_id == str(cast.alice.uuid)


@pytest.mark.parametrize("spellings", SAME)
@pytest.mark.requirement(114)
def test_one_domain_is_one_address_and_another_is_not(spellings: list[str]) -> None:
    keys = {fold_email(spelling) for spelling in spellings}
    assert len(keys) == 1
    assert all(fold_email(other) not in keys for group in SAME if group != spellings for other in group)
    assert fold_email(keys.pop()) == fold_email(spellings[0])


@pytest.mark.parametrize("spellings", SAME[:3])
@pytest.mark.requirement(114)
def test_a_person_is_found_by_every_spelling_of_their_domain(cast: Cast, spellings: list[str]) -> None:
    cast.alice.email = spellings[0]
    cast.alice.save()
    for spelling in spellings:
        assert user_named(spelling) == find_by_identifier(spelling) == cast.alice
        assert list(User.objects.get_queryset().matching(spelling)) == [cast.alice]
        assert User.objects.beginning(spelling) == [cast.alice.pk]
        assert throttled_as(spelling) == throttled_as(spellings[0])
    answer = Api().post("auth/login", {"username": spellings[-1], "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.requirement(114)
def test_another_domain_is_free_and_the_same_one_is_taken(cast: Cast) -> None:
    cast.alice.email = "anna@stra\u00dfe.example"
    cast.alice.save()
    ada, path = as_user(cast.ada), f"users/{cast.bob.uuid}"
    assert_problem(ada.patch(path, {"email": "anna@xn--strae-oqa.example"}), 409, "conflict")
    assert ada.patch(path, {"email": "anna@strasse.example"}).status_code == 200


def test_logins_are_counted_under_one_subject_for_each_user_name() -> None:
    for one, other in [
        ("stra\u00dfe", "STRASSE"),
        ("\uff41da", "ADA"),
        ("ad\u00ada", "ada"),
        ("a\u03c2", "A\u03a3"),
    ]:
        assert throttled_as(one) == throttled_as(other)


def stored_before(username: str, email: str, key: str = "") -> None:
    """Give somebody an address, and its key, as they were stored when any domain was folded like a name."""
    User.objects.filter(username=username).update(email=email, email_key=key or email)


@pytest.mark.requirement(114)
def test_accounts_with_one_mailbox_are_listed_and_not_merged(cast: Cast) -> None:
    assert run("checkemails") == []
    stored_before("bob", "anna@b\u00fccher.example")
    stored_before("charlie", "anna@xn--bcher-kva.example")
    stored_before("alice", "m\u0131ke@example.org")
    before = list(User.objects.values())
    printed = io.StringIO()
    with pytest.raises(CommandError, match="e-mail addresses to change: 2"):
        call_command("checkemails", "--json", stdout=printed)
    unmailable, second = json.loads(printed.getvalue())
    assert (unmailable["username"], unmailable["same_mailbox_as"]) == ("alice", None)
    assert "only ASCII characters before the @" in unmailable["fault"]
    assert (second["username"], second["same_mailbox_as"]) == ("charlie", str(cast.bob.uuid))
    assert list(User.objects.values()) == before


def test_somebody_with_a_shared_mailbox_can_still_be_changed(cast: Cast) -> None:
    stored_before("bob", "anna@b\u00fccher.example")
    stored_before("charlie", "anna@xn--bcher-kva.example")
    ada, path = as_user(cast.ada), f"users/{cast.charlie.uuid}"
    assert ada.patch(path, {"username": "carl"}).status_code == 200
    assert ada.patch(path, {"email": "charlie@example.org"}).status_code == 200
    assert run("checkemails") == []
