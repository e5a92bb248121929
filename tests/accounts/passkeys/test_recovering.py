"""People whose only second factor is a passkey: what is stored of it, and what does not get around it."""

import pytest
from fido2 import cbor

from accounts.mail.delivery import send_due
from accounts.models import Passkey, RecoveryCode
from tests.accounts.mailbox import Mailbox, token_in
from tests.accounts.passkeys.authenticator import (
    Authenticator,
    added,
    asked_in,
    at_localhost,
    browser,
    with_passkey,
)
from tests.at_rest import everything_stored
from tests.conftest import PASSWORD, Api, Cast
from tests.console.helpers import SECURITY

NEW = "another walk to the lighthouse"


def lets_in(code: str) -> bool:
    client = browser()
    client.post("/account/login", {"identifier": "alice", "password": PASSWORD, "totp_code": code})
    return client.get(SECURITY).status_code == 200


@pytest.mark.requirement(19)
def test_only_the_public_key_is_stored(cast: Cast) -> None:
    key = with_passkey(cast.alice)
    stored = cbor.decode(bytes(Passkey.objects.get().public_key))
    numbers = key.key.public_key().public_numbers()
    assert stored == {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}


@pytest.mark.requirement(20, 21)
def test_recovery_codes_work_once_and_only_their_hashes_are_stored(cast: Cast) -> None:
    codes = added(at_localhost(cast.alice), Authenticator())
    stored = everything_stored()
    assert not [form for code in codes for form in (code, code.replace("-", "")) if form in stored]
    assert [lets_in(codes[0]), lets_in(codes[0])] == [True, False]
    assert RecoveryCode.objects.count() == 9


@pytest.mark.requirement(25)
def test_a_password_reset_does_not_skip_the_passkey(cast: Cast, mailbox: Mailbox) -> None:
    key = with_passkey(cast.alice)
    Api().post("auth/forgot-password", {"email": "alice@example.org"})
    send_due()
    token = token_in(mailbox.mails[-1])
    assert Api().post("auth/reset-password", {"token": token, "new_password": NEW}).status_code == 200
    client = browser()
    asked = client.post("/account/login", {"identifier": "alice", "password": NEW})
    assert (asked.status_code, client.get(SECURITY).status_code) == (401, 302)
    client.post("/account/login", {"passkey": key.signed(asked_in(asked))})
    assert client.get(SECURITY).status_code == 200
