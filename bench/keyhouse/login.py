"""What a login takes beside the hash of the password, which is meant to be slow."""

import json
import statistics
import time
from io import BytesIO
from typing import ClassVar

from accounts.passwords.hashing import BoundedArgon2
from bench.inside import answer, environ_of

PATH = "/api/v1/auth/login"
LOGINS = 9


class TimedArgon2(BoundedArgon2):
    """Keyhouse's own, which remembers how long it took: seconds of processor, of all its threads."""

    took: ClassVar[float] = 0

    def verify(self, password: str, encoded: str) -> bool:
        before = time.process_time()
        is_right = super().verify(password, encoded)
        TimedArgon2.took = time.process_time() - before
        return is_right


def beside_its_hash(username: str, password: str) -> float:
    """Return the processor time of a login without its hash, in per cent of the hash."""
    body = json.dumps({"username": username, "password": password}).encode()
    post = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    shares = []
    for _ in range(LOGINS):
        environ = environ_of(PATH, ()) | post | {"wsgi.input": BytesIO(body)}
        before = time.process_time()
        answer(environ, 200)
        shares.append(100 * (time.process_time() - before - TimedArgon2.took) / TimedArgon2.took)
    return statistics.median(shares)
