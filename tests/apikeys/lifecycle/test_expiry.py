"""When keys end."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from access.credentials import Presented
from apikeys.authentication import authenticate_key
from apikeys.models import ApiKey
from audit.actors import Origin
from config.wire.errors import Invalid, InvalidToken
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

END = datetime(2040, 5, 17, 12, 30, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def at(moment: datetime) -> Origin:
    return Origin("192.0.2.1", "request-1", moment)


@pytest.mark.requirement(62)
def test_a_key_is_good_until_the_last_moment_before_its_end_and_not_at_it(cast: Cast) -> None:
    sent = Presented(make_key(cast.alice, expires_at=END).text, is_key=True)
    assert authenticate_key(sent, at(END - MOMENT)).user_id == cast.alice.pk
    for late in (END, END + MOMENT, END + timedelta(days=365)):
        with pytest.raises(InvalidToken):
            authenticate_key(sent, at(late))


@pytest.mark.requirement(62)
def test_an_expired_key_is_401_at_the_api_and_at_the_gateway(cast: Cast) -> None:
    made = make_key(cast.alice, "keys:read", "services:read", expires_at=END)
    original = {"X-Original-Method": "GET", "X-Original-URI": "/services/x"}
    assert with_key(made).get("api-keys").status_code == 200
    ApiKey.objects.filter(pk=made.row.pk).update(
        created_at=datetime(2020, 1, 1, tzinfo=UTC), expires_at=datetime.now(UTC)
    )
    assert_problem(with_key(made).get("api-keys"), 401, "invalid_token")
    assert_problem(with_key(made).get("/gateway/check", headers=original), 401, "invalid_token")
    assert as_user(cast.alice).get(f"api-keys/{made.row.uuid}").json()["status"] == "expired"


@pytest.fixture
def alice(cast: Cast) -> Api:
    return as_user(cast.alice)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2040-05-17T12:30:00Z", "2040-05-17T12:30:00Z"),
        ("2040-05-17T12:30:00+00:00", "2040-05-17T12:30:00Z"),
        ("2040-05-17T14:30:00+02:00", "2040-05-17T12:30:00Z"),
        ("2040-05-17T00:00:00-11:30", "2040-05-17T11:30:00Z"),
        ("2040-05-17T12:30:00.123456Z", "2040-05-17T12:30:00Z"),
        ("2040-02-29T00:00:00Z", "2040-02-29T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_an_end_with_any_offset_is_shown_in_utc(alice: Api, sent: str, shown: str) -> None:
    made = alice.post("api-keys", {"name": "CI", "expires_at": sent})
    assert made.status_code == 201, made.content
    assert made.json()["expires_at"] == shown
    assert alice.get(f"api-keys/{made.json()['id']}").json()["expires_at"] == shown
    assert with_key(made.json()["key"]).get("auth/me").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        "2000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "10000-01-01T00:00:00Z",
        "2040-05-17",
        "2040-05-17T12:30:00",
        "2040-05-17 12:30:00Z",
        "2040-W20-4",
        "20400517T123000Z",
        "2041-02-29T00:00:00Z",
        "2040-13-01T00:00:00Z",
        "2040-05-17T25:00:00Z",
        "2040-05-17T12:30:60Z",
        "2040-05-17T12:30:00+25:00",
        "٢٠٤٠-05-17T12:30:00Z",
        "2040-05-17T12:30:00Z\n",
        "tomorrow",
        "",
        "now",
        "\u0000",
        "9" * 5_000,
        2_000_000_000,
        4e9,
        True,
        ["2040-05-17T12:30:00Z"],
        {"year": 2040},
    ],
)
@pytest.mark.requirement(62)
def test_a_past_or_unreadable_end_is_400_and_makes_no_key(alice: Api, sent: object) -> None:
    refused = alice.post("api-keys", {"name": "CI", "expires_at": sent})
    assert_problem(refused, 400, "invalid", "expires_at")
    assert not ApiKey.objects.exists()


@pytest.mark.requirement(62)
def test_this_very_moment_is_past(cast: Cast) -> None:
    from access.callers import caller_at_command_line

    caller = caller_at_command_line()
    with pytest.raises(Invalid, match="expires_at: must be in the future"):
        make_key(cast.alice, caller=caller, expires_at=caller.origin.at)
    assert make_key(cast.alice, caller=caller, expires_at=caller.origin.at + MOMENT)


def test_no_end_and_null_mean_for_ever(alice: Api) -> None:
    for body in ({"name": "a"}, {"name": "a", "expires_at": None}):
        assert alice.post("api-keys", body).json()["expires_at"] is None


def test_the_database_holds_no_key_that_ends_before_it_begins(cast: Cast) -> None:
    row = make_key(cast.alice).row
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=row.pk).update(expires_at=row.created_at)


def test_the_database_holds_no_key_without_an_owner_or_with_two(cast: Cast) -> None:
    row = make_key(cast.alice).row
    for owners in ({"user": None}, {"organization": cast.acme}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=row.pk).update(**owners)
