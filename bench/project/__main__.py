"""python -m bench.project PORT: serve the project as gunicorn serves what is written with Django."""

import sys
from typing import Any

from gunicorn.app.base import BaseApplication

THREADS = 4


class Server(BaseApplication):
    """One process of gunicorn with threads."""

    def load_config(self) -> None:
        assert self.cfg is not None  # noqa: S101 (gunicorn has made it by now)
        self.cfg.set("bind", f"127.0.0.1:{port}")
        self.cfg.set("threads", THREADS)
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("when_ready", announce)

    def load(self) -> Any:
        from config.wsgi import application

        return application


def announce(_server: object) -> None:
    """Say where to go, as `manage.py serve` does: whoever started this waits for it."""
    print(f"http://127.0.0.1:{port}/ready", flush=True)


port = int(sys.argv[1])
Server().run()  # type: ignore[no-untyped-call]
