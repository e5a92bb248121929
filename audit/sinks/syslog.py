"""Sends lines to a syslog server: RFC 5424 messages over TLS, counted in octets (RFC 5425)."""

import socket
import ssl
import struct
import sys
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from fcntl import ioctl
from typing import NamedTuple

from audit.events import REFUSALS
from audit.export.jsonl import line_of
from audit.export.lines import Line
from config.env import Address

TIMEOUT = 10.0  # seconds, to connect, to send, and until the receiver has closed its side
POLL = 0.01  # seconds
FACILITY = 13  # log audit (RFC 5424 section 6.2.1)
NOTICE, INFORMATIONAL = 5, 6  # severities


class Receiver(NamedTuple):
    """A syslog server; the file of the authority of its certificate, or "" for those of the system.

    `certificate` is a file with this client's certificate and key, or "".
    """

    address: Address
    authority: str = ""
    certificate: str = ""


def send(receiver: Receiver, hostname: str, lines: Sequence[Line]) -> None:
    """Send the lines on a connection of their own. Returns when the receiver has read all of them.

    Raises OSError. Syslog has no acknowledgements, so the end of the connection is one: the receiver sees our
    close_notify after the last line, and then closes its side.
    """
    context = ssl.create_default_context(cafile=receiver.authority or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if receiver.certificate:
        context.load_cert_chain(receiver.certificate)
    with (
        socket.create_connection(receiver.address, TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=receiver.address.host) as secure,
    ):
        secure.sendall(b"".join(frame(message(line, hostname)) for line in lines))
        _end(secure)


def _end(secure: ssl.SSLSocket) -> None:
    """Close our side, and wait for the other.

    Some receivers (rsyslog with GnuTLS) close without a close_notify. TCP tells the cases apart: one that
    closes before it has read everything resets the connection, and never acknowledges what comes later.
    """
    with suppress(ssl.SSLEOFError):
        secure.unwrap()
    deadline = time.monotonic() + TIMEOUT
    while _unacknowledged(secure):
        if time.monotonic() > deadline:
            raise TimeoutError("the receiver closed the connection before it had read everything")
        time.sleep(POLL)  # the kernel reports no event when the other side has acknowledged everything
    error = secure.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "the receiver reset the connection")


def _unacknowledged(connection: socket.socket) -> int:
    """Return the number of sent bytes that the other machine has not acknowledged."""
    size = struct.calcsize("i")
    return int.from_bytes(ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(size)), sys.byteorder)


def message(line: Line, hostname: str) -> bytes:
    """Return a line as a message (RFC 5424 section 6), with the name of the event as its MSGID."""
    severity = NOTICE if line.name in REFUSALS else INFORMATIONAL
    moment = line.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    head = f"<{FACILITY * 8 + severity}>1 {moment} {hostname} keyhouse - {line.name} - "
    return f"{head}{line_of(line.members)}".encode()


def frame(text: bytes) -> bytes:
    """Return a message with its length in front (RFC 5425 section 4.3)."""
    return b"%d %s" % (len(text), text)
