from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.certificates import certificates
from tests.config.outgoing.receiver import LOOPBACK, Receiver, receiving


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and a server's certificate by it."""
    folder = tmp_path_factory.mktemp("tls")
    certificates(folder)
    return folder


@pytest.fixture(autouse=True)
def allowed(settings: Settings, tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let webhooks be sent to this machine, to servers with a certificate by the authority."""
    settings.WEBHOOK_NETWORKS = LOOPBACK
    monkeypatch.setenv("SSL_CERT_FILE", str(tls / "authority.pem"))


@pytest.fixture
def receiver(tls: Path) -> Iterator[Receiver]:
    with receiving(tls / "server.pem") as running:
        yield running
