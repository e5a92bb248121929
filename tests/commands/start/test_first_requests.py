"""Many clients at once make the first request for what a server builds on demand."""

import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from threading import Barrier

import pytest

from tests.installation import Answer, Installation, free_port, serving

pytestmark = [pytest.mark.once, pytest.mark.slow]

SERVE_AND_SAY_WHO_BUILDS = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.core.management import execute_from_command_line
from drf_spectacular.generators import SchemaGenerator
build = SchemaGenerator.get_schema
def say_and_build(*arguments, **options):
    print(f"built by {os.getpid()}", flush=True)
    return build(*arguments, **options)
SchemaGenerator.get_schema = say_and_build
execute_from_command_line(sys.argv)
"""
CLIENTS = 32
WORKERS = 2
PAGES = ("/docs", "/.well-known/jwks.json", "/.well-known/openid-configuration", "/admin/login/")


def all_at_once(ask: Callable[[str], Answer], *paths: str) -> list[Answer]:
    """Return the answers to one request of each client, sent together to the paths in turn."""
    together = Barrier(CLIENTS)

    def ask_together(path: str) -> Answer:
        together.wait()
        return ask(path)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(ask_together, islice(cycle(paths), CLIENTS)))


def test_many_first_requests_for_the_schema_get_what_each_worker_builds_once(
    module_installation: Installation,
) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVE_AND_SAY_WHO_BUILDS, "serve", "--bind", f"127.0.0.1:{port}"]
    with serving(command, port, module_installation.environment) as server:
        answers = all_at_once(lambda path: server.request("GET", path), "/schema")
    assert [answer.status for answer in answers] == [200] * CLIENTS
    assert len({(answer.body, answer.headers["etag"]) for answer in answers}) == 1
    builders = re.findall(r"built by (\d+)", server.output)
    assert 1 <= len(builders) == len(set(builders)) <= WORKERS


def test_many_first_requests_make_one_signing_key_and_no_error(installation: Installation) -> None:
    for key in (installation.folder / "var").glob("signing_key_*"):
        key.unlink()
    with installation.serve() as server:
        answers = all_at_once(lambda path: server.request("GET", path), *PAGES)
    assert [answer.status for answer in answers] == [200] * CLIENTS
    assert len({answer.body for answer in answers if b'"keys"' in answer.body}) == 1
