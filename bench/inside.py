"""What runs in a process that has one Django project in it: filling it, and measuring without a server."""

import gc
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from importlib import import_module
from io import BytesIO
from typing import Any, NamedTuple

import django

FLUSH = "apikeys.usage.counting:flush"


class Cost(NamedTuple):
    """What one request costs: processor time of its thread and time on the clock (µs), and queries."""

    processor: float
    clock: float
    queries: float
    writes: float


def prepare(environment: dict[str, str]) -> None:
    """Become a process of the project that these environment variables describe."""
    os.environ.update(environment)
    django.setup()


def call(function: str, *arguments: Any, **options: Any) -> Any:
    """Call "module:function" here, where its module can be imported."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)(*arguments, **options)


class Queries:
    """Counts what goes to the database through Django's connection of this thread."""

    def __init__(self) -> None:
        self.all = self.writes = 0

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        self.all += 1
        self.writes += not sql.lstrip().startswith("SELECT")
        return execute(sql, *rest)


def measure(path: str, header_lines: Sequence[Sequence[str]], status: int, *, warm: bool) -> Cost:
    """Send these requests, one after another, and return what one of them costs.

    `warm` sends them once before that. Raises RuntimeError for an answer with another status.
    """
    from django.db import connection

    if warm:
        _send(path, header_lines, status)
    queries = Queries()
    environs = [environ_of(path, lines) for lines in header_lines]
    clocks = []
    gc.collect()
    with connection.execute_wrapper(queries):
        before = time.thread_time_ns()
        for environ in environs:
            start = time.perf_counter_ns()
            answer(environ, status)
            clocks.append(time.perf_counter_ns() - start)
        processor = time.thread_time_ns() - before
    count = len(environs)
    clock = statistics.median(clocks) / 1000
    return Cost(processor / count / 1000, clock, queries.all / count, queries.writes / count)


def memory(path: str, header_lines: Sequence[Sequence[str]], status: int) -> float:
    """Return how many bytes the process keeps for each of these callers after their first request."""
    _send(path, header_lines[:1], status)
    tracemalloc.start()
    before = _traced()
    _send(path, header_lines[1:], status)
    after = _traced()
    tracemalloc.stop()
    return (after - before) / (len(header_lines) - 1)


def last_use(path: str, header_lines: Sequence[Sequence[str]], status: int) -> float:
    """Return the processor time (µs) of writing that one of these callers was there, after all were."""
    _send(path, header_lines, status)
    before = time.thread_time_ns()
    written: int = call(FLUSH)
    return (time.thread_time_ns() - before) / max(written, 1) / 1000


def _traced() -> int:
    call(FLUSH)  # what waits to be written is not kept
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _send(path: str, header_lines: Sequence[Sequence[str]], status: int) -> None:
    for lines in header_lines:
        answer(environ_of(path, lines), status)


def answer(environ: dict[str, Any], status: int) -> None:
    """Let the application answer. Raises RuntimeError if it is with another status."""
    from config.wsgi import application

    said: list[str] = []
    start: Any = lambda line, headers, failure=None: said.append(line)  # noqa: E731 (types of PEP 3333)
    response = application(environ, start)
    for _ in response:
        pass
    response.close()
    if not said[0].startswith(str(status)):
        raise RuntimeError(f"{environ['PATH_INFO']} answered {said[0]}")


def environ_of(path: str, lines: Sequence[str]) -> dict[str, Any]:
    """What a server makes of a request with these header lines (PEP 3333)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }
    for line in lines:
        name, _, value = line.partition(": ")
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ
