"""A check that repeats the bytes of an earlier one is answered only as long as its caller stays the same."""

from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from access.credentials import Presented
from access.key_limits import Rate
from access.principal_cache import memory
from apikeys.authentication import authenticate_key
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting
from audit.actors import Origin
from audit.models import Event
from config import profiles
from config.server.edge import fingerprint
from config.wire.errors import InvalidToken
from gateway import repeated
from gateway.repeated import answer_again
from tests.access.basic import basic
from tests.conftest import Cast, make_key
from tests.gateway.asking import CLIENT, answer_at_once

pytestmark = pytest.mark.requirement(107)

Lease = Callable[[float], None]
LONG = 3600.0


@pytest.fixture(autouse=True)
def long_lease(lease: Lease) -> None:
    lease(LONG)


def bytes_of(key: NewKey, *lines: str) -> bytes:
    """Return a check with this key as a proxy sends it."""
    original = ("X-Original-Method: GET", "X-Original-URI: /services/a")
    head = ("GET /gateway/check HTTP/1.1", "Host: localhost", *original, f"X-API-Key: {key.text}")
    return "\r\n".join([*head, *lines, "", ""]).encode()


def use(key: NewKey) -> None:
    """Let the cache know the key's owner."""
    authenticate_key(Presented(key.text, is_key=True), Origin(CLIENT[0], "", timezone.now()))


def sent_once(key: NewKey, *lines: str) -> bytes:
    use(key)
    sent = bytes_of(key, *lines)
    assert answer_at_once(sent) is not None
    return sent


def is_kept(sent: bytes) -> bool:
    return answer_again(fingerprint(sent, CLIENT)) is not None


def look() -> None:
    """Renew the lease now."""
    memory._renew_from = 0.0
    memory.trusted()
    memory.renew_when_asked()


def test_a_repeated_check_is_answered_again_and_counted(cast: Cast) -> None:
    sent = sent_once(make_key(cast.alice, "services:read"))
    counting.forget()
    assert is_kept(sent) and answer_at_once(sent) is not None
    assert [use.count for use in counting._waiting.values()] == [2]


def test_a_key_after_basic_is_as_hot_as_any_other(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    use(key)
    header = basic(key.text)["Authorization"]
    sent = bytes_of(key).replace(f"X-API-Key: {key.text}".encode(), f"Authorization: {header}".encode())
    assert answer_at_once(sent) is not None and is_kept(sent)
    assert header[6:] not in str(repeated._allowed) and key.text not in str(repeated._allowed)
    revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    look()
    assert not is_kept(sent) and answer_at_once(sent) is None


def test_a_revoked_key_is_not_answered_again(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    sent = sent_once(key)
    revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    look()
    assert not is_kept(sent) and answer_at_once(sent) is None


def test_an_expired_key_is_not_answered_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(cast.alice, "services:read", expires_at=timezone.now() + timedelta(hours=1))
    sent = sent_once(key)
    assert is_kept(sent)
    later = type("Later", (datetime,), {"now": lambda zone: datetime.now(zone) + timedelta(hours=2)})
    monkeypatch.setattr(repeated, "datetime", later)
    assert not is_kept(sent)


def test_nothing_is_answered_again_without_a_lease(cast: Cast, lease: Lease) -> None:
    sent = sent_once(make_key(cast.alice, "services:read"))
    memory.forget()
    assert not is_kept(sent)


def test_a_caller_who_was_read_anew_is_decided_anew(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    sent = sent_once(key)
    memory.forget()
    use(key)
    assert not is_kept(sent)
    assert answer_at_once(sent) is not None and is_kept(sent)


def test_the_same_bytes_from_another_address_are_another_check(cast: Cast) -> None:
    sent = sent_once(make_key(cast.alice, "services:read", allowed_networks=["127.0.0.0/8"]))
    assert is_kept(sent) and answer_at_once(sent, ("198.51.100.1", 4711)) is None


def test_a_check_of_a_key_with_a_rate_limit_is_not_kept(cast: Cast) -> None:
    sent = sent_once(make_key(cast.alice, "services:read", rate_limit=Rate(1, 3600)))
    assert not is_kept(sent) and answer_at_once(sent) is None


def test_another_profile_has_other_answers(cast: Cast) -> None:
    sent = sent_once(make_key(cast.alice, "services:read"))
    with profiles.override(copy(profiles.active())):
        assert not is_kept(sent)


def test_only_a_client_s_own_request_id_is_repeated(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    own, without = sent_once(key, "X-Request-ID: of-the-client"), sent_once(key)
    assert {str(answer_at_once(own)).count("of-the-client") for _ in range(2)} == {1}
    assert len({answer_at_once(without) for _ in range(3)}) == 3


def test_a_long_request_id_takes_no_memory(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    sent = sent_once(key, f"X-Request-ID: {'a' * 7000}")
    assert is_kept(sent)
    (kept,) = repeated._allowed.values()
    assert "aaaa" not in str(kept)


def test_kept_answers_hold_no_key(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    sent_once(key)
    assert repeated._allowed and key.text not in str(repeated._allowed)


def test_the_oldest_answer_makes_room_for_a_new_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "MOST_REPEATED", 2)
    key = make_key(cast.alice, "services:read")
    sent = [sent_once(key, f"X-A: {number}") for number in range(3)]
    assert [is_kept(each) for each in sent] == [False, True, True]


# Refusals


def refused_once(*lines: str, key: str = "", uri: str = "/services/a") -> bytes:
    original = ("X-Original-Method: GET", f"X-Original-URI: {uri}", *([f"X-API-Key: {key}"] if key else []))
    sent = "\r\n".join(["GET /gateway/check HTTP/1.1", "Host: localhost", *original, *lines, "", ""]).encode()
    assert answer_at_once(sent) is not None
    return sent


def mistyped(key: NewKey) -> str:
    return key.text[:-1] + ("0" if key.text[-1] != "0" else "1")


def test_a_wrong_checksum_is_refused_again_in_the_same_words_and_counted_nowhere(cast: Cast) -> None:
    sent = refused_once(key=mistyped(make_key(cast.alice, "services:read")))
    repeated.forget()
    first, again = answer_at_once(sent), answer_at_once(sent)
    assert first is not None and again is not None and is_kept(sent)
    assert first.body == again.body and first.head.startswith(b"HTTP/1.1 401 ")
    assert first.head[: first.head.index(b"X-Request-ID")] == again.head[: again.head.index(b"X-Request-ID")]
    assert first.head != again.head  # each has a request id of its own
    assert not counting._waiting and not Event.objects.filter(name="api_key:refused").exists()


def test_a_request_without_a_credential_and_one_without_a_row_are_refused_again() -> None:
    assert is_kept(refused_once()) and is_kept(refused_once(uri="/nowhere"))


def test_a_text_that_an_import_could_make_a_key_is_decided_anew(cast: Cast) -> None:
    sent = Presented("x" * 40, is_key=True)
    with pytest.raises(InvalidToken):  # so that memory alone can refuse it
        authenticate_key(sent, Origin(CLIENT[0], "", timezone.now()))
    assert not is_kept(refused_once(key=sent.secret))


def test_a_refusal_holds_no_key_and_depends_on_the_profile(cast: Cast) -> None:
    text = mistyped(make_key(cast.alice, "services:read"))
    sent = refused_once(key=text)
    assert repeated._refused and text not in str(repeated._refused)
    with profiles.override(copy(profiles.active())):
        assert not is_kept(sent)


def test_refusals_make_room_for_refusals_alone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "MOST_REFUSED", 2)
    key = make_key(cast.alice, "services:read")
    allowed = sent_once(key)
    refused = [refused_once(f"X-A: {number}", key=mistyped(key)) for number in range(3)]
    assert [is_kept(each) for each in (allowed, *refused)] == [True, False, True, True]
