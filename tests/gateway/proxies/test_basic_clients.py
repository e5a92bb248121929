"""Clients that speak Basic log in with a key, through nginx and the gateway, as docs/how-to/basic.md says."""

import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.commands.start.tree import warm_tree
from tests.documentation.terminals import Terminal, blocks_of, opened, run_block
from tests.gateway.proxies.changes import changed
from tests.gateway.proxies.conftest import Keyhouse
from tests.gateway.proxies.running import PLACES, running
from tests.installation import HASHES_WHOLE, PROJECT, START_SECONDS, Server, free_port, serving

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.requirement(116)]

PAGE = (PROJECT / "docs" / "how-to" / "basic.md").read_text()
INTRODUCTION, *SECTIONS = re.split(r"^## (?=\w+$)", PAGE, flags=re.MULTILINE)
CLIENTS = {section.partition("\n")[0]: section for section in SECTIONS}
PROGRAMS = {"netrc": ("curl", "pip", "git")}  # of sections that are not called as their program
METRICS = "/services/stock/metrics"


class Files(ThreadingHTTPServer):
    """The service: an index of packages, a repository, metrics and a registry, all as files."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), File)
        self.folder = folder
        self.secrets_that_arrived: list[str] = []
        self.metrics_were_read = threading.Event()


class File(SimpleHTTPRequestHandler):
    server: Files

    def __init__(self, request: Any, client: Any, server: Files) -> None:
        super().__init__(request, client, server, directory=str(server.folder))

    def do_GET(self) -> None:
        self.server.secrets_that_arrived += self.headers.get_all("Authorization", [])
        super().do_GET()
        if self.path == METRICS:
            self.server.metrics_were_read.set()

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def listening(folder: Path) -> Iterator[Files]:
    with Files(folder) as files:
        thread = threading.Thread(target=files.serve_forever)
        thread.start()
        try:
            yield files
        finally:
            files.shutdown()
            thread.join()


def fill(folder: Path) -> None:
    """Make what the clients ask for."""
    index = folder / "services" / "pypi" / "simple" / "harbour"
    index.mkdir(parents=True)
    with zipfile.ZipFile(index / "harbour-1.0-py3-none-any.whl", "w") as wheel:
        information = "Metadata-Version: 2.1\nName: harbour\nVersion: 1.0\n"
        wheel.writestr("harbour-1.0.dist-info/METADATA", information)
        wheel.writestr("harbour-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("harbour-1.0.dist-info/RECORD", "")
    metrics = folder / METRICS[1:]
    metrics.parent.mkdir(parents=True)
    metrics.write_text("stock_items 42\n")
    tags = folder / "v2" / "harbour" / "tags" / "list"
    tags.parent.mkdir(parents=True)
    tags.write_text('{"name": "harbour", "tags": ["1.0"]}')


def make_repository(folder: Path) -> None:
    """Make a bare repository with one commit, which a server of files can serve."""
    repository = str(folder / "services" / "git" / "harbour.git")
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "--git-dir", repository]
    for arguments in (
        ["init", "--quiet", "--bare", "--initial-branch", "main", repository],
        [*author, "--work-tree", str(folder), "commit", "--quiet", "--allow-empty", "--message", "a"],
        ["--git-dir", repository, "update-server-info"],
    ):
        subprocess.run(["git", *arguments], check=True)


@dataclass(frozen=True)
class Clients:
    """The service and nginx before it, and a terminal in which `$key` is a key."""

    service: Files
    nginx: Server
    terminal: Terminal
    folder: Path
    ports: dict[str, str]

    def run(self, text: str) -> None:
        """Type the commands of a text."""
        for port, actual in self.ports.items():
            text = re.sub(rf"\b{port}\b", actual, text)
        for block in blocks_of(text):
            run_block(block, self.terminal)


@pytest.fixture(scope="module")
def clients(keyhouse: Keyhouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    folder = tmp_path_factory.mktemp("clients")
    files, tree = folder / "files", warm_tree(folder)
    fill(files)
    environment = keyhouse.installation.environment | {
        **HASHES_WHOLE,
        "PATH": PLACES,
        "HOME": str(folder),
        "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    nginx = changed("nginx.conf", "nginx.conf with a registry")
    with (
        listening(files) as service,
        running(
            "nginx",
            folder,
            service=f"127.0.0.1:{service.server_port}",
            keyhouse=keyhouse.address,
            text=nginx,
        ) as proxy,
        opened(tree, environment) as terminal,
    ):
        ports = {"8000": str(keyhouse.server.port), "8080": str(proxy.port)}
        made = Clients(service, proxy, terminal, folder, ports)
        made.run(INTRODUCTION)
        yield made


def needs(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program, path=PLACES) is None]
    if missing:  # few machines have all of them; the summary says so
        pytest.skip(f"{', '.join(missing)} is not installed: this part of docs/how-to/basic.md was not tried")


@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "Prometheus"])
def test_a_client_logs_in_with_a_key_as_the_page_says(clients: Clients, client: str) -> None:
    programs = PROGRAMS.get(client, (client,))
    needs(*programs)
    if "git" in programs and not (clients.service.folder / "services" / "git").exists():
        make_repository(clients.service.folder)
    clients.run(CLIENTS[client])
    assert clients.service.secrets_that_arrived == []


def test_prometheus_reads_metrics_with_a_key_as_the_page_says(clients: Clients) -> None:
    needs("prometheus")
    (shown,) = re.findall(r'^```yaml title="prometheus.yml"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)
    file, port = clients.folder / "prometheus.yml", free_port()
    file.write_text(shown.replace("8080", clients.ports["8080"]) + "global: { scrape_interval: 1s }\n")
    clients.run(f'```console title="Client"\n$ (umask 077; printf %s "$key" > {clients.folder}/key)\n```\n')
    clients.service.metrics_were_read.clear()
    command = [
        shutil.which("prometheus", path=PLACES) or "",
        f"--config.file={file}",
        f"--storage.tsdb.path={clients.folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with serving(
        command, port, {"PATH": PLACES}, awaited="Server is ready to receive web requests"
    ) as server:
        assert clients.service.metrics_were_read.wait(START_SECONDS), server.output
    assert clients.service.secrets_that_arrived == []
