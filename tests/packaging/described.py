"""What the files of deploy/ say of containers: their variables, secrets and probes."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.installation import PROJECT

COMPOSE = PROJECT / "deploy" / "compose"
KUBERNETES = PROJECT / "deploy" / "kubernetes"
SYSTEMD = PROJECT / "deploy" / "systemd"
PUBLIC_URL = "https://keys.example.org"


def compose(**settings: str) -> "subprocess.CompletedProcess[str]":
    """Have Docker Compose read its file, and print what it makes of it."""
    command = [str(Path(sys.executable).with_name("docker-compose")), "config", "--format", "json"]
    environment = {"PATH": "", "HOME": "/nonexistent", **settings}
    return subprocess.run(command, cwd=COMPOSE, env=environment, capture_output=True, text=True, timeout=60)


@cache
def services() -> dict[str, Any]:
    """Return the services of the compose file, as Docker Compose understands them."""
    done = compose(KEYHOUSE_PUBLIC_URL=PUBLIC_URL)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)["services"])


def manifest(name: str) -> Any:
    """Return a Kubernetes manifest."""
    return yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text())


def template_of(name: str) -> Any:
    """Return the template of the pods that a manifest makes."""
    spec = manifest(name)["spec"]
    return spec.get("jobTemplate", {"spec": spec})["spec"]["template"]


def container_of(name: str) -> Any:
    """Return the only container of these pods."""
    (container,) = template_of(name)["spec"]["containers"]
    return container
