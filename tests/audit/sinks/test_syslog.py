"""The syslog sink, with a real rsyslog over TLS that is killed and started again."""

import json
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.signing.checkpoints import signer
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.export.lines import FORMS, Line
from audit.log import Entry, record_all
from audit.position import BEGINNING
from audit.sinks import delivery, syslog
from audit.sinks.delivery import Outlet, deliver
from audit.sinks.syslog import Receiver, frame, message
from config.env import Address
from tests.audit.sinks.helpers import waiting_for
from tests.audit.sinks.rsyslog import Rsyslog, prepared
from tests.certificates import certificates
from tests.commands.helpers import run

KILLS = 6


@pytest.fixture(params=["gtls", "ossl"])
def rsyslog(request: pytest.FixtureRequest, tmp_path: Path) -> Rsyslog:
    return prepared(tmp_path, request.param)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed sink is tried again without a pause."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE", timedelta())


def outlet_to(server: Rsyslog) -> Outlet:
    receiver = Receiver(Address("localhost", server.port), str(server.files.authority))
    return Outlet("syslog", partial(syslog.send, receiver, "keys.example.org"), FORMS["jsonl"])


def happen(count: int = 1) -> None:
    target = Target("user", "", "ü 日本 \u2028 \\n")
    record_all([Entry(EventName.LOGIN_FAILED, target)] * count, actor=ANONYMOUS, origin=Origin.here())


def numbers(server: Rsyslog) -> list[int]:
    found = (json.loads(line) for line in server.lines())
    return [line["sequence"] for line in found if "sequence" in line]


def test_every_event_arrives_once_and_verifies(rsyslog: Rsyslog, db: None) -> None:
    happen(20)
    with rsyslog.running():
        deliver(outlet_to(rsyslog), signer())
        happen(1200)  # more than a batch
        deliver(outlet_to(rsyslog), signer())
        deliver(outlet_to(rsyslog), signer())
    assert numbers(rsyslog) == list(range(1, 1221))
    assert waiting_for("syslog") == 0
    found = run("verifyexport", str(rsyslog.output))
    assert (found["events"], found["signed_to"], found["faults"]) == (1220, 20, [])


def test_nothing_is_lost_or_invented_when_the_receiver_is_killed_again_and_again(
    rsyslog: Rsyslog, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 20)
    for round_number in range(KILLS):
        happen(200)
        with rsyslog.running() as process:
            killer = threading.Timer(0.005 * (round_number + 1), process.kill)
            killer.start()
            deliver(outlet_to(rsyslog), signer())
            killer.join()
    with rsyslog.running():
        deliver(outlet_to(rsyslog), signer())
    assert waiting_for("syslog") == 0
    whole = [line for line in rsyslog.lines() if line.endswith("}")]  # it may die in the middle of a line
    rsyslog.output.write_text("".join(f"{line}\n" for line in whole))
    arrived = numbers(rsyslog)
    assert sorted(set(arrived)) == list(range(1, 200 * KILLS + 1))
    assert [number for number, _ in groupby(sorted(arrived))] == list(range(1, 200 * KILLS + 1))
    assert run("verifyexport", str(rsyslog.output))["faults"] == []


def test_a_receiver_that_dies_before_it_has_read_everything_gets_it_again(rsyslog: Rsyslog, db: None) -> None:
    happen(3)
    with rsyslog.running() as process:
        process.send_signal(signal.SIGSTOP)
        threading.Timer(0.2, process.kill).start()
        deliver(outlet_to(rsyslog), None)
    assert waiting_for("syslog") == 3
    with rsyslog.running():
        deliver(outlet_to(rsyslog), None)
    assert (numbers(rsyslog), waiting_for("syslog")) == ([1, 2, 3], 0)


def test_a_receiver_with_a_certificate_by_somebody_else_gets_nothing(
    rsyslog: Rsyslog, db: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    happen()
    other = tmp_path / "other"
    other.mkdir()
    receiver = Receiver(Address("localhost", rsyslog.port), str(certificates(other).authority))
    with rsyslog.running():
        deliver(Outlet("syslog", partial(syslog.send, receiver, "a"), FORMS["jsonl"]), None)
    assert (numbers(rsyslog), waiting_for("syslog")) == ([], 1)
    assert "certificate verify failed" in caplog.text


@contextmanager
def hasty_server(folder: Path, act: Callable[[ssl.SSLSocket], None]) -> Iterator[Receiver]:
    """A TLS server that does one thing with a connection, and then closes it."""
    files = certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with closing(context.wrap_socket(listener.accept()[0], server_side=True)) as client:
                act(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Receiver(Address("localhost", listener.getsockname()[1]), str(files.authority))
        thread.join()


def a_line(size: int) -> Line:
    return Line({"text": "x" * size}, BEGINNING, "login:failed", timezone.now())


def test_a_receiver_that_says_good_bye_without_reading_has_not_received_anything(tmp_path: Path) -> None:
    good_bye = hasty_server(tmp_path, lambda client: client.shutdown(socket.SHUT_RDWR))
    with good_bye as receiver, pytest.raises(OSError):
        syslog.send(receiver, "a", [a_line(100)])


def test_a_message_is_rfc_5424_and_its_length_is_counted_in_octets() -> None:
    line = Line({"label": "ü"}, BEGINNING, "login:failed", timezone.now().replace(microsecond=5))
    text = message(line, "keys.example.org")
    moment = line.at.strftime("%Y-%m-%dT%H:%M:%S.000005Z")
    assert text.decode() == (f'<109>1 {moment} keys.example.org keyhouse - login:failed - {{"label":"ü"}}')
    assert frame(text) == b"%d %s" % (len(text), text)
    assert message(line._replace(name="user:created"), "a").startswith(b"<110>1 ")


@pytest.mark.parametrize("name", list(EventName))
def test_the_name_of_every_event_is_a_msgid(name: EventName) -> None:
    assert len(name) <= 32 and name.isascii() and name.isprintable() and " " not in name
