"""CHECKLIST 95: numbers in the admin must not use digits of other scripts, which Python's int() accepts."""

import pytest

from apikeys.durations import parse_duration, parse_rate
from apikeys.models import ApiKey
from config import env
from config.wire.errors import Invalid
from tests.admin.helpers import messages_of, page
from tests.conftest import Cast, as_user, assert_problem, make_key
from tests.logins import browser

ZEROS = ("\u0660", "\u06f0", "\u0966", "\uff10")  # Arabic-Indic, Persian, Devanagari, full-width


def in_script(number: int, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in str(number))


def spellings(number: int) -> list[str]:
    """Spellings of a number that int() accepts but that people do not write."""
    return [*(in_script(number, zero) for zero in ZEROS), f" {number}", f"+{number}", f"0_{number}"]


@pytest.mark.requirement(95)
def test_a_page_of_the_admin_is_at_the_number_in_ascii_alone(cast: Cast) -> None:
    ada, key = browser(cast.ada), make_key(cast.bob, "services:read")
    for model, number in (("accounts_user", cast.bob.pk), ("apikeys_apikey", key.row.pk)):
        assert ada.get(page(f"{model}_change", number)).status_code == 200
        for text in spellings(number):
            for kind, query in (("change", {}), ("history", {}), ("change", {"_to_field": "id"})):
                address = page(f"{model}_{kind}", text)
                answer = ada.get(address, query, headers={"Accept": "application/json"})
                assert answer.status_code in {302, 404}, (text, kind, query)
                assert answer.status_code == 404 or answer.headers["Location"] == "/admin/"


@pytest.mark.requirement(95)
def test_a_selection_is_of_numbers_in_ascii(cast: Cast) -> None:
    ada = browser(cast.ada)
    for text in spellings(cast.bob.pk):
        sent = {"action": "deactivate", "_selected_action": text, "confirmed": "True"}
        answer = ada.post(page("accounts_user_changelist"), sent, follow=True)
        assert messages_of(answer) == ["The selection is malformed. Nothing was done."], text
    cast.bob.refresh_from_db()
    assert cast.bob.is_active


@pytest.mark.parametrize("zero", ZEROS)
def test_queries_take_numbers_in_ascii(cast: Cast, zero: str) -> None:
    ada = as_user(cast.ada)
    assert_problem(ada.get("users", data={"page_size": in_script(10, zero)}), 400, "invalid", "page_size")
    lists = browser(cast.ada)
    for query in ({"p": in_script(1, zero)}, {"o": in_script(1, zero)}, {"date": in_script(2026, zero)}):
        answer = lists.get(page("audit_event_changelist"), query, headers={"Accept": "application/json"})
        assert_problem(answer, 400)


@pytest.mark.parametrize("zero", ZEROS)
def test_bodies_take_json_numbers(cast: Cast, zero: str) -> None:
    alice = as_user(cast.alice)
    for value in (in_script(5, zero), "5"):
        limit = {"requests": value, "seconds": 60}
        assert_problem(alice.post("api-keys", {"name": "a", "rate_limit": limit}), 400, "invalid")
    raw = f'{{"name": "a", "rate_limit": {{"requests": {in_script(5, zero)}, "seconds": 60}}}}'
    assert_problem(alice.post("api-keys", raw), 400, "parse_error")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("zero", ZEROS)
def test_commands_and_variables_take_numbers_in_ascii(zero: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid):
        parse_duration("overlap", f"{in_script(90, zero)}d")
    with pytest.raises(Invalid):
        parse_rate("rate-limit", f"{in_script(5, zero)}/60s")
    monkeypatch.setenv("KEYHOUSE_LEASE_MS", in_script(250, zero))
    with pytest.raises(env.ConfigurationError, match="whole number"):
        env.number("KEYHOUSE_LEASE_MS", most=10_000)
    with pytest.raises(env.ConfigurationError, match="HOST:PORT"):
        env.parse_address("KEYHOUSE_BIND", f"127.0.0.1:{in_script(8000, zero)}")
