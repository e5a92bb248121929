"""./run bench revocations: after the 2xx of a revocation, does any server still say yes?

Three servers with two workers each have one database. Many clients at once make a key, let every server
meet it, revoke it at one of them and, once that has answered, ask all of them again. What the other
clients do meanwhile is the load.
"""

import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench.sites import keyhouse_installation
from tests import postgres
from tests.installation import Server, log_in_as_admin
from tests.test_revocation_everywhere import revoked_in_time

SERVERS, WORKERS, CLIENTS = 3, 2, 32


def main(wanted: int, most_seconds: float) -> int:
    """Revoke so many keys, or as many as fit into the time; print what was found; return the exit code."""
    start = time.monotonic()
    with ExitStack() as stack:
        url = stack.enter_context(postgres.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyhouse-bench-")))
        installation = keyhouse_installation(folder / "keyhouse", url, rows=0)
        servers = [stack.enter_context(installation.serve("--workers", str(WORKERS))) for _ in range(SERVERS)]
        found = revoke(servers, wanted, until=start + most_seconds)
    print(
        f"{len(found):,} revocations at {SERVERS} servers with {WORKERS} workers each, {CLIENTS} clients at"
        f" once, {time.monotonic() - start:.0f} s: after {found.count(False)} of them somebody still said yes"
        " (goal 0)."
    )
    return 0 if found.count(True) == wanted else 1


def revoke(servers: list[Server], wanted: int, *, until: float) -> list[bool]:
    """Return for each revocation whether everybody refused the key from the answer on."""
    token = log_in_as_admin(servers[0])
    left = iter(range(wanted))

    def client(seed: int) -> list[bool]:
        chance, found = random.Random(seed), []  # noqa: S311 (no secret)
        while time.monotonic() < until and (number := next(left, None)) is not None:
            if number % 500 == 0:
                print(f"{number:8,} revocations begun", file=sys.stderr)
            found.append(revoked_in_time(servers, token, chance))
        return found

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [each for found in pool.map(client, range(CLIENTS)) for each in found]
