"""nginx with the configuration of deploy/compose."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from tests.gateway.proxies.running import NGINX_SURROUNDINGS, PLACES
from tests.installation import free_port, serving
from tests.packaging.described import COMPOSE, services


@contextmanager
def nginx(folder: Path, *, keyhouse: str, service: str) -> Iterator[int]:
    """Run nginx with the files that Compose mounts, before `keyhouse` and `service`, and return its port."""
    program = shutil.which("nginx", path=PLACES)
    if program is None:
        pytest.skip("nginx is not installed (apt-get install nginx): deploy/compose/nginx.conf was not tried")
    for volume in services()["nginx"]["volumes"]:
        shutil.copy(volume["source"], folder / Path(volume["target"]).name)
    port = free_port()
    places = {
        "keyhouse:8000": keyhouse,
        "service:9000": service,
        "listen 8443": f"listen 127.0.0.1:{port}",
        "/run/secrets/tls": f"{folder}/tls",
    }
    text = (folder / "default.conf").read_text()
    for written, here in places.items():
        assert written in text, f"{COMPOSE}/nginx.conf has no {written}"
        text = text.replace(written, here)
    make_certificate(folder)
    file = folder / "main.conf"
    file.write_text(NGINX_SURROUNDINGS.format(folder=folder, text=text))
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(file)]
    with serving(command, port, {"PATH": os.environ["PATH"]}, awaited="start worker process"):
        yield port


def make_certificate(folder: Path) -> None:
    names = {"-keyout": "tls_key", "-out": "tls_certificate"}
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=keys.example.org"]
    for option, name in names.items():
        command += [option, str(folder / name)]
    subprocess.run(command, check=True, capture_output=True)


def ask(port: int, path: str, **headers: str) -> int:
    """Send a GET over TLS, and return the status of the answer."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection("127.0.0.1", port, timeout=30, context=trusting)
    connection.request("GET", path, headers={"Host": "keys.example.org", **headers})
    try:
        return connection.getresponse().status
    finally:
        connection.close()
