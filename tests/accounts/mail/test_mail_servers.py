"""EMAIL_URL, to real mail servers with and without TLS: each scheme does what its name says."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from smtplib import SMTP_SSL
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django.fixtures import Settings

from accounts.mail.delivery import Round, send_due
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from audit.actors import Origin
from config.backends import email_config
from tests.accounts.mailbox import listening

OPTIONS: dict[str, Callable[[ssl.SSLContext], dict[str, Any]]] = {
    "no TLS": lambda _: {},
    "STARTTLS": lambda context: {"tls_context": context, "require_starttls": True},
    "TLS from the first byte": lambda context: {"ssl_context": context},
}
SPEAKS = {
    "smtp": {"no TLS"},
    "smtp+tls": {"STARTTLS"},
    "smtp+ssl": {"TLS from the first byte"},
    "smtps": {"TLS from the first byte"},
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now, names = datetime.now(UTC), [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def send(settings: Settings, url: str) -> Round:
    for name, value in email_config(url).items():
        setattr(settings, name, value)
    settings.EMAIL_TIMEOUT = 2  # who waits for a greeting in clear from a server that waits for TLS
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address="alice@example.org", origin=Origin.here())
    return send_due()


@pytest.mark.parametrize("server", OPTIONS)
@pytest.mark.parametrize("scheme", SPEAKS)
def test_a_scheme_speaks_as_its_name_says_and_never_less_safely(
    db: None, settings: Settings, trusted: None, context: ssl.SSLContext, scheme: str, server: str
) -> None:
    with listening(**OPTIONS[server](context)) as mailbox:
        done = send(settings, f"{scheme}://localhost:{mailbox.port}")
        assert done == (Round(sent=1) if server in SPEAKS[scheme] else Round(failed=1))
        assert len(mailbox.mails) == done.sent


@pytest.mark.parametrize("scheme", ["smtps", "smtp+ssl", "smtp+tls"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
def test_a_certificate_that_nobody_vouches_for_or_of_another_host_gets_no_mail(
    db: None, settings: Settings, context: ssl.SSLContext, certificate: Path, scheme: str, host: str
) -> None:
    options = OPTIONS["STARTTLS" if scheme == "smtp+tls" else "TLS from the first byte"](context)
    with listening(**options) as mailbox:
        assert send(settings, f"{scheme}://{host}:{mailbox.port}") == Round(failed=1)
        assert mailbox.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("scheme", ["smtps", "smtp+tls"])
def test_the_login_is_sent_inside_tls(
    db: None, settings: Settings, trusted: None, context: ssl.SSLContext, scheme: str
) -> None:
    seen: list[tuple[bytes, bytes, bool]] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password, session.ssl is not None or scheme == "smtps"))
        return AuthResult(success=True)

    options = OPTIONS["TLS from the first byte" if scheme == "smtps" else "STARTTLS"](context)
    options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": scheme != "smtps"}
    with listening(**options) as mailbox:
        url = f"{scheme}://mail%40example.org:p%2Fw%3Fd@localhost:{mailbox.port}"
        assert send(settings, url) == Round(sent=1)
    assert seen == [(b"mail@example.org", b"p/w?d", True)]


def test_without_a_port_smtps_is_465() -> None:
    """smtplib takes it where none is given (RFC 8314 section 7.3)."""
    assert email_config("smtps://mail.example.org")["EMAIL_PORT"] is None
    assert SMTP_SSL.default_port == 465
