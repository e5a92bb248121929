"""What is told is listed in one mail for each person, which is sent at least once."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.mail import delivery
from accounts.models import Mail
from apikeys.models import ApiKey, KeyNews, KeyNotice
from apikeys.notices import writing
from apikeys.notices.expiring import tell_expiring
from apikeys.notices.leaks import Found, tell_leaked
from apikeys.notices.rounds import preview
from apikeys.notices.writing import release
from tests.accounts.helpers import at_once, serving
from tests.accounts.mailbox import Mailbox, make_due, plain, use_mail_server
from tests.apikeys.notices.telling import DAY, at, expire, expiring, send
from tests.conftest import Cast, make_key
from tests.installation import free_port

NOW = timezone.now()
END = NOW + 60 * DAY


def test_what_comes_up_before_the_mail_leaves_is_in_the_same_mail(cast: Cast, mailbox: Mailbox) -> None:
    first, second = make_key(cast.alice, name="first"), make_key(cast.alice, name="second")
    expire(first, END, made=NOW)
    expire(second, END + DAY, made=NOW)
    expiring(NOW + 31 * DAY)
    expiring(NOW + 32 * DAY)
    assert Mail.objects.get().about == cast.alice.pk
    send()
    (mail,) = mailbox.mails
    assert "first of alice" in plain(mail) and "second of alice" in plain(mail)


def test_a_mail_waits_some_minutes_for_more_to_list(cast: Cast) -> None:
    expire(make_key(cast.alice), END, made=NOW)
    expiring(NOW + 31 * DAY)
    wait = Mail.objects.get().next_try_at - (NOW + 31 * DAY)
    assert wait == timedelta(minutes=10)
    assert release() == 1


def test_what_comes_up_while_a_mail_is_being_sent_is_in_the_next_one(cast: Cast, mailbox: Mailbox) -> None:
    expire(make_key(cast.alice, name="first"), END, made=NOW)
    expire(make_key(cast.alice, name="second"), END + DAY, made=NOW)
    expiring(NOW + 31 * DAY)
    release()
    taken = delivery._claim(Mail.objects.get().pk, timezone.now())
    assert taken is not None and taken[1] is not None
    expiring(NOW + 32 * DAY)
    assert delivery._deliver(taken[0], taken[1])
    send()
    one, other = mailbox.mails
    assert "first of alice" in plain(one) and "second" not in plain(one)
    assert "second of alice" in plain(other) and "first" not in plain(other)
    assert not KeyNews.objects.exists()


def test_a_mail_that_could_not_be_sent_is_sent_later_with_the_same_keys(cast: Cast, mailbox: Mailbox) -> None:
    expire(make_key(cast.alice, name="first"), END, made=NOW)
    expiring(NOW + 31 * DAY)
    mailbox.refusing = True
    send()
    assert Mail.objects.get().tries == 1 and KeyNews.objects.exists()
    mailbox.refusing = False
    make_due()
    delivery.send_due()
    assert "first of alice" in plain(mailbox.mails[0])


def test_a_mail_goes_to_the_address_that_the_person_has_then(cast: Cast, mailbox: Mailbox) -> None:
    expire(make_key(cast.alice), END, made=NOW)
    expiring(NOW + 31 * DAY)
    cast.alice.email = "new@example.org"
    cast.alice.save()
    send()
    assert mailbox.recipients == ["new@example.org"]


def test_a_person_who_has_turned_a_kind_off_gets_no_mail_of_it(cast: Cast, mailbox: Mailbox) -> None:
    cast.alice.notifications = ["unused", "new_network"]
    cast.alice.save()
    expire(make_key(cast.alice), END, made=NOW)
    (told,) = expiring(NOW + 31 * DAY)
    assert told.people == [] and not Mail.objects.exists()


@pytest.mark.requirement(121)
def test_a_leak_is_told_at_once_and_nobody_can_turn_that_off(cast: Cast, mailbox: Mailbox) -> None:
    cast.alice.notifications = []
    cast.alice.save()
    key = make_key(cast.alice, name="robot")
    for _ in range(2):
        tell_leaked(found=[Found(key.row, "https://git.example.org/commit/1")], again=[], origin=at(NOW))
    send()
    (mail,) = mailbox.to("alice@example.org")
    assert mail["Subject"] == "The API key robot at Keyhouse was found in public"
    assert "found at https://git.example.org/commit/1" in plain(mail)
    assert key.text not in plain(mail)
    assert KeyNotice.objects.count() == 1


def test_a_preview_names_who_would_be_told_and_changes_nothing(cast: Cast) -> None:
    key = make_key(cast.alice)
    expire(key, timezone.now() + 20 * DAY, made=NOW - 30 * DAY)
    for _ in range(2):
        (told,) = preview()
        assert (told.due.key.pk, told.people[0].email) == (key.row.pk, "alice@example.org")
    assert not KeyNotice.objects.exists() and not Mail.objects.exists()


def test_one_mail_of_an_organization_goes_to_few_members(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apikeys.notices.recipients.MOST_TOLD", 1)
    cast.bob.memberships.update(role="owner")
    expire(make_key(cast.acme), END, made=NOW)
    (told,) = expiring(NOW + 31 * DAY)
    assert [person.email for person in told.people] == ["alice@example.org"]


def test_a_deleted_key_is_left_out(cast: Cast, mailbox: Mailbox) -> None:
    expire(make_key(cast.alice), END, made=NOW)
    expiring(NOW + 31 * DAY)
    ApiKey.objects.all().delete()
    send()
    assert mailbox.mails == []


@pytest.mark.requirement(120)
@pytest.mark.django_db(transaction=True)
def test_servers_that_look_at_once_tell_each_key_once_and_queue_one_mail(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apikeys.notices.walks.BATCH", 4)
    for _ in range(40):
        expire(make_key(cast.alice), END, made=NOW)
    told = at_once(lambda _: len(expiring(NOW + 31 * DAY)), times=3)
    assert sum(told) + len(expiring(NOW + 31 * DAY)) == 40
    assert KeyNotice.objects.count() == KeyNews.objects.count() == 40
    assert Mail.objects.count() == 1


@pytest.mark.requirement(120)
@pytest.mark.django_db(transaction=True)
def test_a_sender_and_writers_at_once_lose_nothing(cast: Cast, mailbox: Mailbox, settings: object) -> None:
    keys = [make_key(cast.alice, name=f"key {number:02}") for number in range(12)]
    stop = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            while not stop.is_set():
                send()
        else:
            try:
                for key in keys[number - 1 :: 3]:
                    tell_leaked(found=[Found(key.row, "a place")], again=[], origin=at(NOW))
            finally:
                ended[number - 1].set()
                if all(each.is_set() for each in ended):
                    stop.set()

    ended = [threading.Event() for _ in range(3)]
    at_once(work, times=4)
    send()
    text = "".join(map(plain, mailbox.to("alice@example.org")))
    assert [key.row.name for key in keys if f"{key.row.name} of alice" not in text] == []
    assert text.count(" of alice") == 12


def test_sixty_keys_are_told_of_in_twenty_queries(cast: Cast, django_assert_max_num_queries: object) -> None:
    with serving("notices", expiry_days=(30,)):
        expiring(NOW)  # the walk begins
        for _ in range(30):
            expire(make_key(cast.acme), END, made=NOW)
            expire(make_key(cast.bob), END, made=NOW)
        with django_assert_max_num_queries(20):  # type: ignore[operator]
            assert len(tell_expiring(at(NOW + 31 * DAY)) or []) == 60


def test_mail_servers_that_are_down_keep_what_is_told(cast: Cast, settings: object) -> None:
    use_mail_server(settings, free_port())  # type: ignore[arg-type]
    expire(make_key(cast.alice), END, made=NOW)
    expiring(NOW + 31 * DAY)
    send()
    assert KeyNews.objects.count() == 1 and Mail.objects.get().tries == 1


def test_the_writer_gives_up_if_the_sender_always_is_faster(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving("notices", expiry_days=(30,)):
        monkeypatch.setattr(writing, "ATTEMPTS", 0)
        expire(make_key(cast.alice), END, made=NOW)
        with pytest.raises(Exception, match="are being sent"):
            expiring(NOW + 31 * DAY)
    assert not KeyNotice.objects.exists()
