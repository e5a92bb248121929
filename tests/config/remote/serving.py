"""Keyhouse behind a real socket: it answers in the test's own thread, while a command runs in another."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tests.commands.helpers import output_of, refusal_of, run

SIGNALS = (request_started, request_finished)


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: pytest would show it."""


class Step(NamedTuple):
    do: Callable[[], None]
    is_done: Event


class Elsewhere:
    """A Keyhouse at `url`. Commands run in a thread, where the test's database would be out of reach."""

    def __init__(self) -> None:
        self.server = make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet)
        self.server.timeout = 0.02  # seconds until it looks whether the command has ended
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.steps: Queue[Step] = Queue()

    def do_here(self, do: Callable[[], None]) -> None:
        """Called in the command's thread: let the test's thread do something."""
        step = Step(do, Event())
        self.steps.put(step)
        step.is_done.wait()

    def output(self, name: str, *arguments: str) -> str:
        return str(self._while(lambda: output_of(name, self.url, *arguments)))

    def document(self, name: str, *arguments: str) -> Any:
        return self._while(lambda: run(name, self.url, *arguments))

    def refusal(self, name: str, *arguments: str) -> str:
        return str(self._while(lambda: refusal_of(name, self.url, *arguments)))

    def _while(self, command: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(command)
            while not running.done():
                self._answer()
                if not self.steps.empty():
                    self._step(self.steps.get())
        return running.result()

    def _answer(self) -> None:
        """Answer a request, and leave the connection to the database open, as Django's test client does."""
        for signal in SIGNALS:
            signal.disconnect(close_old_connections)
        self.server.handle_request()
        for signal in SIGNALS:
            signal.connect(close_old_connections)

    def _step(self, step: Step) -> None:
        try:
            step.do()
        finally:
            step.is_done.set()
