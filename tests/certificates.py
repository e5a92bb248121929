"""Authorities of the tests' own, and certificates that they sign."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class Certificates(NamedTuple):
    """PEM files: of the authority, for SSL_CERT_FILE; and of a server, its certificate with its key."""

    authority: Path
    server: Path


def certificates(folder: Path, host: str = "localhost", address: str = "127.0.0.1") -> Certificates:
    """An authority, and a certificate by it for a server of this name and address."""
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("The authority of the tests")
    files = Certificates(folder / "authority.pem", folder / "server.pem")
    is_authority = x509.BasicConstraints(ca=True, path_length=0)
    signed = _builder(issuer, issuer, root).add_extension(is_authority, critical=True).sign(root, SHA256())
    files.authority.write_bytes(signed.public_bytes(Encoding.PEM))
    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address(address))])
    served = _builder(issuer, _name(host), leaf).add_extension(names, critical=False).sign(root, SHA256())
    private = leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.server.write_bytes(private + served.public_bytes(Encoding.PEM))
    return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
