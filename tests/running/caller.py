"""Have a manage.py run by a fork of tests.running.warm: python caller.py SOCKET MANAGE.PY ARGUMENT…

The fork has the environment, the folder and the standard streams of this process. This process passes on
signals to it, and ends as it does.
"""

import json
import os
import signal
import socket
import sys

FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def main(address: str, arguments: list[str]) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        for number in FORWARDED:
            signal.signal(number, lambda number, _: connection.sendall(bytes([number])))
        socket.send_fds(connection, [b"\0"], [0, 1, 2])
        asked = [arguments, dict(os.environ), os.getcwd()]  # noqa: PTH109 (pathlib takes a third of the start)
        connection.sendall(json.dumps(asked).encode() + b"\n")
        code = int(connection.recv(16))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


main(sys.argv[1], sys.argv[2:])
