"""Key pairs: the private half signs tokens, and services verify them with the public half (RFC 7517)."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwcrypto.jwk import JWK

from config.env import ConfigurationError

Algorithm = Literal["RS256", "ES256", "EdDSA"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
RSA_BITS = 2048
PEM = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class KeyPair:
    """A key pair; `public` is the public half as a JWK, with its kid."""

    algorithm: Algorithm
    private: PrivateKey = field(repr=False)
    public: dict[str, Any]

    @property
    def kid(self) -> str:
        return str(self.public["kid"])


def new_pem(algorithm: Algorithm) -> str:
    """Return a new private key: RSA with 2048 bits, P-256 or Ed25519."""
    made: PrivateKey
    if algorithm == "RS256":
        made = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    elif algorithm == "ES256":
        made = ec.generate_private_key(ec.SECP256R1())
    else:
        made = ed25519.Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def from_pem(pem: str) -> KeyPair:
    """Read a private key. Raises ValueError if it is malformed, or for an unsupported algorithm.

    The kid is the thumbprint of the public half (RFC 7638).
    """
    try:
        private: Any = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, UnsupportedAlgorithm):
        raise ValueError("it is encrypted, or of an unknown kind") from None
    algorithm = _algorithm_of(private)
    members: dict[str, Any] = JWK.from_pyca(private.public_key()).export_public(as_dict=True)
    return KeyPair(algorithm, private, {**members, "use": "sig", "alg": algorithm})


def _algorithm_of(private: Any) -> Algorithm:
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= RSA_BITS:
        return "RS256"
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    raise ValueError("it is not a key for " + ", ".join(ALGORITHMS))


def parse(variable: str, text: str) -> tuple[KeyPair, ...]:
    """Read concatenated private keys in PEM; the first key of an algorithm signs.

    Raises ConfigurationError, which names `variable` and never repeats the value.
    """
    found = []
    for position, pem in enumerate(PEM.findall(text), start=1):
        try:
            found.append(from_pem(pem))
        except ValueError:
            raise ConfigurationError(
                f"{variable}: key {position} must be an unencrypted private key (PEM): "
                f"RSA with at least {RSA_BITS} bits, P-256 or Ed25519"
            ) from None
    if PEM.sub("", text).strip():
        raise ConfigurationError(f"{variable}: contains text that is not PEM")
    if len({key.kid for key in found}) < len(found):
        raise ConfigurationError(f"{variable}: contains a key twice")
    return tuple(found)
