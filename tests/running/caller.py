"""Have a manage.py run by a fork of tests.running.warm: python caller.py SOCKET MANAGE.PY ARGUMENT…

The fork has the environment, the folder and the standard streams of this process. This process passes on
signals to it, and ends as it does. It imports the parts in C alone: json, signal and socket take longer to
import than Python to start.
"""

import _signal as signal  # type: ignore[import-not-found]
import _socket as socket
import marshal
import os
import struct
import sys

FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
STREAMS = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("3i", 0, 1, 2))


def main(address: str, arguments: list[str]) -> None:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    for number in FORWARDED:
        signal.signal(number, lambda number, _: connection.sendall(bytes([number])))
    connection.sendmsg([b"\0"], [STREAMS])
    asked = [arguments, dict(os.environ), os.getcwd()]  # noqa: PTH109 (pathlib takes a third of the start)
    connection.sendall(marshal.dumps(asked))
    code = int(connection.recv(16))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


main(sys.argv[1], sys.argv[2:])
