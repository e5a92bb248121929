"""KEYHOUSE_SIGNING_KEYS: the same key pairs on every machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.test import override_settings

from accounts.signing import keys as signing
from config.checks import signing_key_faults
from config.env import ConfigurationError
from config.secrets import key_pairs
from config.secrets.key_pairs import ALGORITHMS
from tests.accounts.helpers import serving
from tests.commands.helpers import assert_one_line, refusal_of
from tests.installation import Installation, Server, copy_of, log_in_as_admin

pytestmark = [pytest.mark.once, pytest.mark.slow]

NAME = "KEYHOUSE_SIGNING_KEYS"
GOOD = {algorithm: key_pairs.new_pem(algorithm) for algorithm in ALGORITHMS}


def pem(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_keys_are_concatenated_and_the_first_of_each_kind_signs() -> None:
    newer = key_pairs.new_pem("ES256")
    given = key_pairs.parse(NAME, "".join([newer, *GOOD.values()]))
    assert [key.algorithm for key in given] == ["ES256", *ALGORITHMS]
    with override_settings(SIGNING_KEYS=given):
        for algorithm in ALGORITHMS:
            assert signing.keys_for(algorithm)[0].public == next(
                key.public for key in given if key.algorithm == algorithm
            )
        assert len(signing.public_keys()) == 4
    assert key_pairs.parse(NAME, "") == ()


def test_a_key_has_the_same_name_everywhere() -> None:
    text = GOOD["EdDSA"]
    assert key_pairs.parse(NAME, text)[0].kid == key_pairs.parse(NAME, text.replace("\n", "\r\n"))[0].kid


@pytest.mark.parametrize(
    "text",
    [
        "x",
        GOOD["ES256"] + "x",
        GOOD["ES256"][:-20],
        GOOD["ES256"] + GOOD["ES256"],
        GOOD["ES256"].replace("PRIVATE", "PUBLIC"),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ed448.Ed448PrivateKey.generate()),
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        .decode(),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ],
)
def test_a_malformed_key_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{NAME}: ") as raised:
        key_pairs.parse(NAME, text)
    assert "\n" not in str(raised.value)
    assert not [line for line in text.splitlines() if len(line) > 3 and line in str(raised.value)]


def test_a_server_starts_only_if_the_given_keys_cover_every_algorithm(tmp_path: Path) -> None:
    with override_settings(SIGNING_KEYS=key_pairs.parse(NAME, GOOD["ES256"])):
        assert [fault.msg for fault in signing_key_faults()] == [f"{NAME} has no key for RS256."]
        with serving("oauth2", id_token_algorithm="ES256"):
            assert signing_key_faults() == []
            with serving("login", token_algorithm="EdDSA"):
                assert [fault.id for fault in signing_key_faults()] == ["keyhouse.E006"]
    assert signing_key_faults() == []


def test_a_server_without_a_key_that_it_needs_does_not_start(installation: Installation) -> None:
    done = installation.manage("serve", **{NAME: GOOD["ES256"]})
    assert done.returncode == 1
    assert_one_line(done, NAME, "has no key for RS256")


def test_with_given_keys_the_command_says_what_to_do_instead(db: None) -> None:
    with override_settings(SIGNING_KEYS=key_pairs.parse(NAME, GOOD["RS256"])):
        said = refusal_of("rotatesigningkey")
    assert NAME in said and "on every machine" in said


@pytest.fixture
def two_machines(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """Two servers on one database, with folders of their own and the same given secrets."""
    folder = tmp_path_factory.mktemp("second")
    keys = folder / "keys.pem"
    keys.write_text("".join(GOOD.values()))
    profile = folder / "signed.toml"
    shipped = (Path(__file__).parents[3] / "config" / "profiles" / "keyhouse.toml").read_text()
    profile.write_text(shipped.replace("[login]\n", '[login]\ntoken_algorithm = "EdDSA"\n'))
    settings = {
        "KEYHOUSE_PROFILE": str(profile),
        "KEYHOUSE_PUBLIC_URL": "https://keys.example.org",
        f"{NAME}_FILE": str(keys),
    }
    with copy_of(installation, folder) as second:
        second.database_url = installation.database_url
        with installation.serve(**settings) as one, second.serve(**settings) as other:
            yield [one, other]
    assert not [*installation.folder.rglob("signing_key_*"), *folder.rglob("signing_key_*")]


def test_what_one_machine_signs_another_one_verifies(two_machines: list[Server]) -> None:
    one, other = two_machines
    token = log_in_as_admin(one)
    assert other.request("GET", "/api/v1/auth/me", headers=token).status == 200
    published = [server.request("GET", "/.well-known/jwks.json").json() for server in two_machines]
    assert published[0] == published[1]
    assert [key["alg"] for key in published[0]["keys"]] == list(ALGORITHMS)
