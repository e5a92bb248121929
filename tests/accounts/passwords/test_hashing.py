"""How many passwords are hashed at once, and what further requests are told."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from accounts.models import Session, User
from accounts.passwords import hashing
from accounts.passwords.hashing import NICENESS, HashThreads
from config.asgi import PATHS
from config.wire.errors import Busy
from tests.accounts.helpers import at_once
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import new_token
from tests.admin.helpers import LOGIN
from tests.conftest import PASSWORD, Api, Cast, as_user

NEW = "another walk to another lighthouse"
BY_NAME = {"identifier": "alice", "password": PASSWORD}
CHANGED = BY_NAME | {"new_password": NEW}


def page() -> Client:
    return Client(headers={"Accept": "text/html"})


DOORS: dict[str, Callable[[Api, str], Any]] = {
    "login": lambda alice, _: alice.post("auth/login", {"username": "alice", "password": PASSWORD}),
    "login of nobody": lambda alice, _: alice.post(
        "auth/login", {"username": "nobody", "password": PASSWORD}
    ),
    "login to the admin": lambda alice, _: page().post(LOGIN, {"username": "alice", "password": PASSWORD}),
    "login at a client's": lambda alice, _: page().post("/api/v1/auth/oauth2/login", BY_NAME),
    "password": lambda alice, _: alice.post(
        "auth/change-password", {"current_password": PASSWORD, "new_password": NEW}
    ),
    "password on the page": lambda alice, _: page().post("/change-password", BY_NAME | {"new_password": NEW}),
    "reset": lambda alice, token: alice.post("auth/reset-password", {"token": token, "new_password": NEW}),
    "reset on the page": lambda alice, token: page().post(
        "/reset-password", {"token": token, "new_password": NEW}
    ),
    "address": lambda alice, _: alice.post(
        "auth/change-email", {"new_email": "a@example.net", "current_password": PASSWORD}
    ),
    "second factor": lambda alice, _: alice.post("auth/totp", {"password": PASSWORD}),
}


@pytest.fixture
def nobody_else_gets_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Have all threads that hash busy, and nobody wait for them, once it is called."""
    begun, over = threading.Event(), threading.Event()
    threads = HashThreads(1, 0)

    def work() -> None:
        begun.set()
        assert over.wait(60)

    busy = threading.Thread(target=threads.run, args=(work,))

    def fill() -> None:
        monkeypatch.setattr(hashing, "_made", threads)
        busy.start()
        assert begun.wait(60)

    yield fill
    over.set()
    busy.join()


@pytest.mark.parametrize("door", DOORS)
def test_one_more_caller_is_asked_to_try_again(
    door: str, cast: Cast, mailbox: Mailbox, nobody_else_gets_in: Callable[[], None]
) -> None:
    alice, token = as_user(cast.alice), new_token(mailbox)
    before = User.objects.get(pk=cast.alice.pk).password
    nobody_else_gets_in()
    answer = DOORS[door](alice, token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert b"Too many passwords are being checked" in answer.content
    assert answer.wsgi_request.path.startswith(PATHS.passwords)  # these requests have threads of their own
    assert User.objects.get(pk=cast.alice.pk).password == before
    assert Session.objects.filter(user=cast.alice).count() == 1


@pytest.mark.requirement(115)
def test_so_many_are_hashed_at_once_and_so_many_wait() -> None:
    """Five come while nothing is finished before two of them are refused."""
    threads, lock, over = HashThreads(2, 1), threading.Lock(), threading.Event()
    running = most = refused = 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert over.wait(60)
        with lock:
            running -= 1

    def come(_: int) -> bool:
        nonlocal refused
        try:
            threads.run(work)
        except Busy:
            with lock:
                refused += 1
            if refused == 2:
                over.set()
            return False
        return True

    assert sorted(at_once(come, times=5)) == [False, False, True, True, True]
    assert most <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
@pytest.mark.requirement(115)
def test_who_hashes_lets_all_others_go_first() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def step_under_nice() -> int:
        os.nice(NICENESS)  # as of a server that nice started, for this thread alone
        return HashThreads(1, 0).run(priority) - priority()

    assert HashThreads(1, 0).run(priority) == priority() + NICENESS
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(step_under_nice).result() == NICENESS


def test_a_process_that_is_forked_from_one_that_has_hashed_hashes_too() -> None:
    stored = make_password(PASSWORD)
    fork = multiprocessing.get_context("fork").Process(target=_check, args=(stored,))
    fork.start()
    fork.join(60)
    assert fork.exitcode == 0


def test_a_process_that_is_about_to_fork_ends_its_hashing_threads() -> None:
    hashing.share_among(1)
    others = {*threading.enumerate()}
    make_password(PASSWORD)
    started = {*threading.enumerate()} - others
    hashing.share_among(1)
    for thread in started:
        thread.join(60)
    assert started and not any(thread.is_alive() for thread in started)


def _check(stored: str) -> None:
    sys.exit(not check_password(PASSWORD, stored))
