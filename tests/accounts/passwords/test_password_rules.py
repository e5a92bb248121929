"""What a password must be, on every path that sets one."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.models import User
from accounts.passwords.rules import LONGEST
from accounts.users.services import create_user, set_password
from config.wire.errors import Invalid
from tests.accounts.helpers import serving
from tests.conftest import PASSWORD, Cast, log_in

SetPassword = Callable[[str], User]


def for_a_new_person(cast: Cast, operator: Caller) -> SetPassword:
    def run(password: str) -> User:
        return create_user(
            caller=operator,
            username="beatrix",
            email="potter@windermere.example",
            role="member",
            password=password,
        )

    return run


def for_somebody(cast: Cast, operator: Caller) -> SetPassword:
    cast.bob.username, cast.bob.email = "beatrix", "potter@windermere.example"
    cast.bob.save()

    def run(password: str) -> User:
        set_password(caller=operator, user=cast.bob, password=password)
        return cast.bob

    return run


@pytest.fixture(params=[for_a_new_person, for_somebody])
def give_password(request: pytest.FixtureRequest, cast: Cast, operator: Caller) -> SetPassword:
    """Each way of giving beatrix a password."""
    way: SetPassword = request.param(cast, operator)
    return way


def refused(give_password: SetPassword, password: str) -> str:
    """Assert that the password is refused and nothing written; return the reason."""
    before = set(User.objects.values_list("pk", "password"))
    with pytest.raises(Invalid) as error:
        give_password(password)
    assert set(User.objects.values_list("pk", "password")) == before
    return error.value.errors["password"]


@pytest.mark.parametrize("password", ["", "kx7 vR2", "kx7 vR2 mQ9 tW1"[:14]])
@pytest.mark.requirement(1)
def test_a_short_password_is_refused(give_password: SetPassword, password: str) -> None:
    assert f"at least 15 characters, and has {len(password)}" in refused(give_password, password)


@pytest.mark.requirement(1)
def test_the_profile_says_how_short_is_too_short(give_password: SetPassword) -> None:
    with serving("login", password_min_length=20):
        assert "at least 20 characters" in refused(give_password, "kx7 vR2 mQ9 tW1 zP")
    assert log_in(give_password("kx7 vR2 mQ9 tW1 zP"), "kx7 vR2 mQ9 tW1 zP")


@pytest.mark.parametrize("length", [64, 128, LONGEST])
@pytest.mark.requirement(2)
def test_long_passwords_are_accepted(give_password: SetPassword, length: int) -> None:
    password = "".join(chr(0x4E00 + number**2 % 20_000) for number in range(length))
    assert log_in(give_password(password), password)


def test_a_password_beyond_the_most_characters_is_refused(give_password: SetPassword) -> None:
    assert f"at most {LONGEST}" in refused(give_password, "x" * (LONGEST + 1))


@pytest.mark.parametrize(
    "password",
    [
        "seven sheep sleep soundly",
        "  leading and trailing blanks  ",
        "🦊🐢🦉🐝🦋🐙🦔🐳🦜🐘🦭🐇🦥🐍🦩",
        "über den wolken muß die freiheit",
        "602418395572084",
    ],
)
@pytest.mark.requirement(4)
def test_no_kinds_of_characters_are_asked_for(give_password: SetPassword, password: str) -> None:
    assert log_in(give_password(password), password)


@pytest.mark.parametrize(
    "password",
    [
        "1qaz2wsx3edc4rfv",
        "1QAZ2WSX3EDC4RFV",
        "１ｑａｚ２ｗｓｘ３ｅｄｃ４ｒｆｖ",  # noqa: RUF001
        "password12345678",
        "!!!!Password2026",
        "passwordpassword",
        "passwordpasswor",
        "aaaaaaaaaaaaaaaa",
        "abcdefghijklmnop",
        "987654321098765",
    ],
)
@pytest.mark.requirement(5)
def test_a_common_password_is_refused(give_password: SetPassword, password: str) -> None:
    assert "easy to guess" in refused(give_password, password)


@pytest.mark.parametrize(
    "password",
    [
        "I am Beatrix of the lakes",
        "BEATRIX and seven sheep",
        "ｂｅａｔｒｉｘ and seven sheep",  # noqa: RUF001
        "seven sheep of potter sleep",
        "potter@windermere.example",
        "seven sheep in the Keyhouse",
    ],
)
@pytest.mark.requirement(6)
def test_a_password_with_ones_name_address_or_the_product_in_it_is_refused(
    give_password: SetPassword, password: str
) -> None:
    assert "must not contain your user name" in refused(give_password, password)


def test_a_very_short_user_name_forbids_no_words(operator: Caller, db: None) -> None:
    user = create_user(
        caller=operator, username="al", email="al@example.org", role="member", password=PASSWORD
    )
    assert log_in(user)


def test_a_password_that_is_not_text_is_refused(give_password: SetPassword) -> None:
    assert "is not valid text" in refused(give_password, "seven sheep \udcff sleep soundly")


def test_every_broken_rule_is_told_at_once(give_password: SetPassword) -> None:
    reason = refused(give_password, "beatrix1")
    assert "at least 15" in reason
    assert "user name" in reason


@pytest.mark.requirement(1)
def test_the_installation_can_ask_for_another_length(give_password: SetPassword, settings: Settings) -> None:
    settings.PASSWORD_MIN_LENGTH = 8
    assert "at least 8 characters" in refused(give_password, "kx7 vR2")
    give_password("kx7 vR2 ")


@pytest.mark.requirement(5)
def test_the_installation_can_add_common_passwords(give_password: SetPassword, settings: Settings) -> None:
    settings.COMMON_PASSWORDS = ["Windermere Ferry 1895"]
    for password in ("Windermere Ferry 1895", "windermere FERRY 1895", " windermere ferry 1895 "):
        assert "too easy to guess" in refused(give_password, password)
    give_password("windermere ferries by night")
