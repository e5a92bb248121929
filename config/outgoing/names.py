"""Looks up host names within a time. The system's resolver has no time limit that a program could set."""

import socket
import threading
from concurrent.futures import Future

MOST_AT_ONCE = 32  # look-ups; one that was given up goes on until the resolver gives up

_free = threading.BoundedSemaphore(MOST_AT_ONCE)


def addresses_of(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of `host`, in the order in which to try them.

    Raises OSError for a name that has none, and TimeoutError after `seconds`.
    """
    if not _free.acquire(timeout=seconds):
        raise TimeoutError("too many host names are being looked up")
    answer: Future[list[str]] = Future()
    threading.Thread(target=_look_up, args=(host, port, answer), name="keyhouse-names", daemon=True).start()
    return answer.result(seconds)


def _look_up(host: str, port: int, answer: Future[list[str]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result(list(dict.fromkeys(str(place[0]) for *_, place in found)))
    except Exception as error:  # for the thread that waits
        answer.set_exception(error)
    finally:
        _free.release()
