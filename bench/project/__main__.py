"""python -m bench.project PORT: serve the project exactly as Keyhouse is served."""

import sys

from config import server


def announce(_server: object) -> None:
    """Say where to go, as `manage.py serve` does: whoever started this waits for it."""
    print(f"http://127.0.0.1:{port}/ready", flush=True)


port = int(sys.argv[1])
server.run(
    "127.0.0.1", port, workers=1, trusted_proxies=(), when_ready=announce, in_each_worker=lambda _: None
)
