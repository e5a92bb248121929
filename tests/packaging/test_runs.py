"""What deploy/ describes runs: the image, its containers in Compose and Kubernetes, and the systemd unit."""

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.program import VERSION
from config.secrets import storage
from tests.gateway.proxies.service import listening
from tests.installation import ADMIN, START_SECONDS, free_port, log_in_as_admin
from tests.packaging import booted
from tests.packaging.container import Image
from tests.packaging.described import container_of, manifest, services
from tests.packaging.front import ask, nginx

pytestmark = [pytest.mark.once, pytest.mark.slow]

DATABASE_URL = "sqlite:////var/lib/keyhouse/keyhouse.sqlite3"
# In place of Compose's network, and of Valkeys that are not here.
HERE = {"KEYHOUSE_TRUSTED_PROXIES": "127.0.0.1", "CACHE_URL": "locmemcache://"}
SECRETS = "/run/secrets/keyhouse"


@pytest.fixture
def image(built_image: Image, tmp_path: Path) -> Image:
    """The image with an empty volume."""
    return built_image.with_volume(tmp_path / "data")


@pytest.fixture
def bind() -> dict[str, str]:
    """Where a container listens: those of this machine share its ports."""
    return {"KEYHOUSE_BIND": f"127.0.0.1:{free_port()}"}


def port_of(bind: dict[str, str]) -> int:
    return int(bind["KEYHOUSE_BIND"].rpartition(":")[2])


def test_the_image_serves_as_an_unprivileged_user_on_a_read_only_tree(
    image: Image, bind: dict[str, str]
) -> None:
    assert image.keyhouse("--version").stdout == f"{VERSION}\n"
    done = image.keyhouse("setup", settings=ADMIN)
    assert done.returncode == 0, done.stderr
    address = bind["KEYHOUSE_BIND"]
    probe = [word.replace("127.0.0.1:8000", address) for word in image.stage.settings["HEALTHCHECK"]]
    assert image.run(*probe).returncode == 1
    with image.serve(port_of(bind), settings=bind) as server:
        assert image.run(*probe).returncode == 0
        admin = log_in_as_admin(server)
        body = {"name": "CI", "scopes": ["services:read"]}
        assert server.request("POST", "/api/v1/api-keys", headers=admin, body=body).status == 201
        for path in ("/admin/login/", "/docs", "/static/keyhouse/page.css", "/reset-password?token=a"):
            assert server.request("GET", path).status in {200, 302}, path
    assert server.process.returncode == 0


def test_nothing_but_its_data_can_be_written(image: Image) -> None:
    folders = ("/", "/opt/keyhouse", "/run", "/var/lib", "/var/lib/keyhouse", "/tmp")
    probe = f"id -u; for folder in {' '.join(folders)}; do touch $folder/probe && echo $folder; done"
    assert image.run("sh", "-c", probe).stdout.split() == ["10001", "/var/lib/keyhouse", "/tmp"]


def test_the_code_is_that_of_the_wheel_with_bytecode_that_has_no_times(image: Image) -> None:
    (packages,) = image.at("/opt/keyhouse").glob("lib/python*/site-packages")
    assert (packages / f"keyhouse-{VERSION}.dist-info").is_dir()
    assert not (packages / "tests").exists() and not (packages / "manage.py").exists()
    compiled = list(packages.rglob("*.pyc"))
    assert any(path.match("config/__pycache__/settings.*.pyc") for path in compiled)
    assert [path for path in compiled if path.read_bytes()[4:8] == bytes(4)] == []  # PEP 552: flags


def test_compose_sets_keyhouse_up_and_nginx_passes_requests_on(
    image: Image, bind: dict[str, str], tmp_path: Path
) -> None:
    secrets = {"database_url": DATABASE_URL, "admin_password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    for name, text in secrets.items():
        (tmp_path / name).write_text(text)
    started = {name: started_as(services()[name], tmp_path) for name in ("setup", "keyhouse")}
    mounts, settings = started["setup"]
    done = image.keyhouse(*services()["setup"]["command"], mounts=mounts, settings=settings)
    assert done.returncode == 0, done.stderr
    mounts, settings = started["keyhouse"]
    made = image.keyhouse(
        *("createapikey", "--name", "CI", "--user", "admin", "--scope", "services:read"),
        *("--allowed-network", "127.0.0.1", "--json"),
        mounts=mounts,
        settings=settings,
    )
    assert made.returncode == 0, made.stderr
    key = {"X-API-Key": json.loads(made.stdout)["key"]}
    with (
        image.serve(port_of(bind), mounts, settings=settings | bind),
        listening() as service,
        nginx(tmp_path, keyhouse=bind["KEYHOUSE_BIND"], service=service.address) as port,
    ):
        assert ask(port, "/ready") == 200
        assert ask(port, "/services/stock") == 401
        assert ask(port, "/services/stock", **key, **{"X-Forwarded-For": "192.0.2.1"}) == 200
        (got,) = service.got
        assert got.target == "/services/stock" and got.values("X-API-Key") == []


def started_as(service: dict[str, Any], secrets: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """The files and the variables with which Compose starts a service."""
    return {each["target"]: secrets / each["source"] for each in service["secrets"]}, {
        **service["environment"],
        **HERE,
    }


@pytest.fixture
def kubernetes_secrets(tmp_path: Path) -> dict[str, Path]:
    """The folders of the two Secrets, by where they are mounted."""
    key = ["openssl", "genpkey", "-algorithm", "RSA"]
    texts = {
        "secret_key": storage.new_secret_key(),
        "peppers": storage.new_numbered(),
        "seed_keys": storage.new_numbered(),
        "signing_keys": subprocess.run(key, capture_output=True, text=True, check=True).stdout,
        "database_url": DATABASE_URL,
    }
    places = {SECRETS: texts, "/run/secrets/administrator": {"password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}}
    for place, files in places.items():
        (tmp_path / Path(place).name).mkdir()
        for name, text in files.items():
            (tmp_path / Path(place).name / name).write_text(text)
    return {place: tmp_path / Path(place).name for place in places}


def variables_of(name: str) -> dict[str, str]:
    """The variables of a manifest's container."""
    own = {each["name"]: each["value"] for each in container_of(name).get("env", [])}
    return {**manifest("configuration")["data"], **own, **HERE}


def test_the_pods_of_kubernetes_run_on_secrets_that_are_files(
    image: Image, bind: dict[str, str], kubernetes_secrets: dict[str, Path]
) -> None:
    for name in ("setup", "prune"):
        arguments = container_of(name)["args"]
        done = image.keyhouse(*arguments, mounts=kubernetes_secrets, settings=variables_of(name))
        assert done.returncode == 0, done.stderr
    assert image.data is not None
    assert {path.name for path in image.data.iterdir()}.isdisjoint({"secret_key", "peppers", "seed_keys"})

    mounts = {SECRETS: kubernetes_secrets[SECRETS]}
    with image.serve(port_of(bind), mounts, settings=variables_of("deployment") | bind) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            request = container_of("deployment")[probe]["httpGet"]
            headers = {header["name"]: header["value"] for header in request["httpHeaders"]}
            assert server.request("GET", request["path"], headers=headers).status == 200
        log_in_as_admin(server)
    assert server.process.returncode == 0


def test_a_secret_that_is_not_mounted_stops_the_start_by_name(
    image: Image, kubernetes_secrets: dict[str, Path]
) -> None:
    (kubernetes_secrets[SECRETS] / "peppers").unlink()
    done = image.keyhouse("serve", mounts=kubernetes_secrets, settings=variables_of("deployment"))
    assert (done.returncode, done.stderr) == (
        1,
        f"keyhouse: KEYHOUSE_PEPPERS_FILE: cannot read {SECRETS}/peppers: No such file or directory\n",
    )


def test_systemd_runs_the_server_in_its_sandbox(image: Image, bind: dict[str, str], tmp_path: Path) -> None:
    with booted.systemd(image, tmp_path, **bind, **ADMIN) as system:
        ends = time.monotonic() + START_SECONDS
        while system.control("is-active", "keyhouse.service").stdout != "active\n":
            assert time.monotonic() < ends, system.control("status", "keyhouse.service").stdout
            time.sleep(0.2)  # it has no file to wait for; each question starts a process
        server = replace(system.server, port=port_of(bind))
        assert server.request("GET", "/ready").status == 200
        log_in_as_admin(server)
        process = system.control("show", "--property=MainPID", "--value", "keyhouse.service").stdout.strip()
        status = system.run("cat", f"/proc/{process}/status").stdout
        assert "\nSeccomp:\t2\n" in status and "\nCapBnd:\t0000000000000000\n" in status
        assert system.control("stop", "keyhouse.service").returncode == 0
        result = system.control("show", "--property=Result", "--value", "keyhouse.service")
        assert result.stdout == "success\n"
        pruned = system.control("start", "keyhouse-prune.service")
        assert pruned.returncode == 0, system.control("status", "keyhouse-prune.service").stdout
