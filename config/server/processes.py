"""Sets up gunicorn, which starts, stops and replaces the worker processes."""

import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from config.env import ConfigurationError
from config.server.limits import KEEP_ALIVE_SECONDS, MAX_CONNECTIONS

STOP_SECONDS = 20


class Log(Logger):
    """gunicorn's log, with the handlers of all others: in their format, and without credentials."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)  # type: ignore[no-untyped-call]
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):
    """gunicorn with our settings in place of a configuration file."""

    def __init__(self, load: Callable[[], Any], options: dict[str, Any]) -> None:
        self._load, self.options = load, options
        super().__init__()  # type: ignore[no-untyped-call]

    def load_config(self) -> None:
        assert self.cfg is not None  # noqa: S101 (gunicorn has set it)
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._load()


def run(
    host: str,
    port: int,
    *,
    load: Callable[[], Any],
    workers: int,
    trusted_proxies: tuple[str, ...],
    when_ready: Callable[..., None],
    in_each_worker: Callable[..., None],
) -> None:
    """Serve on host:port until SIGTERM or SIGINT, and call `when_ready` once the server listens.

    `load` returns the ASGI application. Each worker process calls `in_each_worker`.

    Raises ConfigurationError if the server cannot listen there.
    """
    check_free(host, port)
    Server(
        load,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": "config.server.worker.Worker",
            "worker_connections": MAX_CONNECTIONS,
            "http_parser": "python",  # the one in C accepts two blanks in a request line
            "asgi_loop": "asyncio",
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": STOP_SECONDS,
            "forwarded_allow_ips": ",".join(trusted_proxies),
            "forwarder_headers": "",  # else gunicorn believes SCRIPT_NAME, which proxies pass on from clients
            "limit_request_line": 8190,  # gunicorn's maximum: Caddy and Envoy send the whole URI in it
            "control_socket_disable": True,
            "accesslog": None,
            "logger_class": Log,
            "loglevel": "warning",
            "proc_name": "keyhouse",
            "when_ready": when_ready,
            "post_worker_init": in_each_worker,
        },
    ).run()  # type: ignore[no-untyped-call]


def check_free(host: str, port: int) -> None:
    """Raise ConfigurationError if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}") from None
