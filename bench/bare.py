"""The limits outside of Python: nginx that answers by itself, and a Go handler that does a bare check."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from bench.candidates import GO, HOT_CALLERS, NGINX, Credentials
from tests.installation import Server, free_port, serving

PLACES = "/usr/local/bin:/usr/bin:/bin:/usr/sbin"
NGINX_FILE = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr notice;
worker_processes 1;
events {{ }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}
}}
"""


@dataclass
class BareSite:
    """A server that is one program. `command` names its arguments, given the port."""

    command: Callable[[int], list[str]]
    awaited: str  # what it prints when it listens
    credentials: Credentials = field(repr=False)

    def serve(self) -> AbstractContextManager[Server]:
        port = free_port()
        return serving(self.command(port), port, {"PATH": PLACES}, awaited=self.awaited)


def bare_sites(folder: Path, keys: Sequence[str]) -> dict[str, BareSite]:
    """Return those that can be run on this machine, by name; `keys` are known to the Go handler."""
    folder.mkdir()
    made = {NGINX: _nginx(folder), GO: _go(folder, keys[:HOT_CALLERS])}
    return {name: site for name, site in made.items() if site is not None}


def _nginx(folder: Path) -> BareSite | None:
    nginx = shutil.which("nginx", path=PLACES)
    if nginx is None:
        return None

    def command(port: int) -> list[str]:
        file = folder / "nginx.conf"
        file.write_text(NGINX_FILE.format(folder=folder, port=port))
        return [nginx, "-p", str(folder), "-e", "stderr", "-c", str(file)]

    return BareSite(command, "start worker process", {})


def _go(folder: Path, keys: Sequence[str]) -> BareSite | None:
    go = shutil.which("go", path=PLACES)
    if go is None:
        return None
    binary, known = folder / "handler", folder / "keys"
    known.write_text("".join(f"{key}\n" for key in keys))
    source = Path(__file__).parent / "go" / "main.go"
    environment = {"PATH": PLACES, "HOME": str(folder), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    subprocess.run([go, "build", "-o", str(binary), str(source)], env=environment, check=True)
    return BareSite(lambda port: [str(binary), str(port), str(known)], "/ready", {"key": keys})
