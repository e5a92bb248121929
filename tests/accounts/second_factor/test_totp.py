"""Codes of authenticator apps and recovery codes: the pure part."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.second_factor import seed_encryption, totp
from tests.accounts.authenticator import App, secret_in

pytestmark = pytest.mark.once

RFC_SEED = b"12345678901234567890"
# RFC 6238 appendix B, SHA-1; of its eight digits the last six.
RFC_VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "digits"), RFC_VECTORS)
def test_codes_are_those_of_rfc_6238(seconds: int, digits: str) -> None:
    assert totp.code_at(RFC_SEED, totp.step_at(moment(seconds))) == digits[-6:]
    assert totp.step_of(RFC_SEED, digits[-6:], moment(seconds)) == seconds // 30


@given(st.binary(min_size=20, max_size=20), st.integers(min_value=0, max_value=2**33))
def test_codes_are_those_of_an_app_that_somebody_else_wrote(seed: bytes, seconds: int) -> None:
    app = App(totp.spelled(seed), [])
    assert totp.code_at(seed, totp.step_at(moment(seconds))) == app.code(moment(seconds))


@pytest.mark.parametrize(
    ("steps", "is_good"), [(-3, False), (-2, False), (-1, True), (0, True), (1, False), (2, False)]
)
@pytest.mark.requirement(18)
def test_a_code_is_good_in_its_step_and_the_next(steps: int, is_good: bool) -> None:
    now = moment(1_800_000_000)
    code = totp.code_at(RFC_SEED, totp.step_at(now) + steps)
    assert (totp.step_of(RFC_SEED, code, now) is not None) is is_good


@pytest.mark.parametrize(
    "text", ["287082", "287 082", " 287082 ", "28 70 82", "287\u00a0082", "287\u3000082"]
)
def test_a_code_may_be_typed_with_blanks(text: str) -> None:
    assert totp.step_of(RFC_SEED, text, moment(59)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "２８７０８２",  # noqa: RUF001 (full-width)
        "٢٨٧٠٨٢",  # Arabic-Indic
        "۲۸۷۰۸۲",  # Persian
        "२८७०८२",  # Devanagari
        "২৮৭ ০৮২",  # Bengali, with a blank
        "28７٠82",  # noqa: RUF001 (mixed)
    ],
)
def test_a_code_may_be_typed_in_the_digits_of_any_script(text: str) -> None:
    assert totp.step_of(RFC_SEED, text, moment(59)) == 1
    assert totp.step_of(RFC_SEED, text, moment(59 + 60)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "28708", "2870820", "287082x", "-287082", "+87082", "0x2870", "28708²", "\ud800", "\0"),
        *("②⑧⑦⓪⑧②", "二八七〇八二", "28708½", "28708𝟐\ud800", "٢٨٧٠٨", "２８７０８２0"),  # noqa: RUF001
        "287-082",
        "287082" * 1000,
    ],
)
def test_what_is_not_six_digits_is_no_code(text: str) -> None:
    assert totp.step_of(RFC_SEED, text, moment(59)) is None
    assert totp.read_recovery_code(text) is None


@pytest.mark.requirement(19)
def test_a_seed_has_160_random_bits() -> None:
    made = {totp.new_seed() for _ in range(100)}
    assert len(made) == 100
    assert {len(seed) for seed in made} == {20}


def test_a_product_and_an_account_with_odd_names_make_a_good_address() -> None:
    address = totp.uri(RFC_SEED, product="Q&A: the/app", account="a b/c@example.org?")
    assert address.startswith("otpauth://totp/Q%26A%3A%20the%2Fapp:a%20b%2Fc%40example.org%3F?secret=")
    assert address.endswith("&issuer=Q%26A%3A%20the%2Fapp")
    assert secret_in(address) == totp.spelled(RFC_SEED)


@pytest.mark.requirement(21)
def test_recovery_codes_have_80_random_bits_each() -> None:
    made = {code for _ in range(200) for code in totp.new_recovery_codes()}
    assert len(made) == 200 * 10
    assert all(totp.RECOVERY_CODE.fullmatch(code) for code in made)
    assert 5 * totp.RECOVERY_LENGTH >= 64


@given(st.integers(min_value=0, max_value=2**80 - 1))
def test_a_recovery_code_is_read_however_it_is_typed(number: int) -> None:
    code = "".join(totp.ALPHABET[number >> shift & 31] for shift in range(0, 80, 5))
    kept = totp.grouped(code)
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in kept)
    arabic = kept.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for typed in (
        *(kept, kept.upper(), kept.replace("-", " "), code, kept.replace("0", "O").replace("1", "l")),
        *(full_width, full_width.upper(), arabic),
    ):
        assert totp.read_recovery_code(typed) == code


@pytest.mark.requirement(19)
def test_a_seed_at_rest_is_encrypted_and_a_key_that_is_gone_opens_none(settings: Settings) -> None:
    first, second = bytes(range(32)), bytes(range(100, 140))
    settings.SEED_KEYS = {1: first}
    stored = seed_encryption.encrypt(RFC_SEED)
    assert RFC_SEED not in stored.encode() and totp.spelled(RFC_SEED) not in stored
    assert seed_encryption.encrypt(RFC_SEED) != stored
    settings.SEED_KEYS = {1: first, 2: second}
    assert seed_encryption.decrypt(stored) == RFC_SEED
    settings.CURRENT_SEED_KEY = 1
    old = seed_encryption.encrypt(RFC_SEED)
    settings.CURRENT_SEED_KEY = None
    anew = seed_encryption.encrypt(RFC_SEED)
    settings.SEED_KEYS = {2: second}
    assert seed_encryption.decrypt(old) is None
    assert (seed_encryption.decrypt(anew), seed_encryption.decrypt(stored)) == (RFC_SEED, None)


@pytest.mark.requirement(19)
def test_a_seed_is_encrypted_anew_with_the_current_key_if_another_key_opens_it(settings: Settings) -> None:
    first, second = bytes(range(32)), bytes(range(100, 140))
    settings.SEED_KEYS = {1: first}
    old = seed_encryption.encrypt(RFC_SEED)
    assert seed_encryption.renewed(old) is None
    settings.SEED_KEYS = {1: first, 2: second}
    anew = seed_encryption.renewed(old)
    assert anew is not None and seed_encryption.renewed(anew) is None
    settings.SEED_KEYS = {2: second}
    assert seed_encryption.decrypt(anew) == RFC_SEED
    assert seed_encryption.renewed(old) is None


def test_the_steps_around_a_moment_are_half_a_minute_each() -> None:
    assert totp.step_at(moment(60)) - totp.step_at(moment(60) - timedelta(seconds=1)) == 1
    assert totp.step_at(moment(89)) == totp.step_at(moment(60))
