"""The private parts of gunicorn that we override or use are those for which our server was written.

If this fails after an upgrade: read what has changed in gunicorn, compare it with config/server/connection
and config/server/worker.py, run the tests of this folder, then write the new digest here.
"""

import hashlib
import inspect
from typing import Any

import pytest
from gunicorn.asgi import protocol
from gunicorn.asgi.parser import CallbackRequest, PythonProtocol
from gunicorn.asgi.protocol import ASGIProtocol, BodyReceiver, _RequestHeaderPolicy
from gunicorn.http.message import HeaderPolicy
from gunicorn.workers.base import Worker as BaseWorker
from gunicorn.workers.gasgi import ASGIWorker

pytestmark = pytest.mark.once

PARTS: dict[Any, str] = {
    protocol._get_cached_date_header: "ce457a3326ed1421",
    protocol._get_cached_status_line: "880da47d17e36099",
    PythonProtocol: "fe72402943fb078d",
    CallbackRequest: "321b183a439f9afc",
    BodyReceiver: "4ff6d5f1ff0bc464",
    _RequestHeaderPolicy: "2bd904ea53da3777",
    HeaderPolicy: "84bc24b291e79234",
    ASGIProtocol.__init__: "762f28f2b36d0a7b",
    ASGIProtocol.connection_made: "9113fc16d379728e",
    ASGIProtocol.connection_lost: "b137894451589cb3",
    ASGIProtocol.data_received: "cd5471b9a3369ed4",
    ASGIProtocol._feed_callback_parser: "0cfedc190f9e67c2",
    ASGIProtocol._on_headers_complete: "27b70078474dd11e",
    ASGIProtocol._on_body: "116b92d0f72e9c37",
    ASGIProtocol._on_message_complete: "4de3745b191a6287",
    ASGIProtocol._arm_keepalive_timer: "e55ab8a8631461bc",
    ASGIProtocol._cancel_keepalive_timer: "3e34c98e4e691dcc",
    ASGIProtocol._keepalive_timeout: "7d10f303b0016b88",
    ASGIProtocol._is_websocket_upgrade: "92c3b82993b97ae7",
    ASGIProtocol._send_response_start: "e375959fda48545e",
    ASGIProtocol._send_error_response: "d6e9f162ed3e8acd",
    ASGIProtocol._http1_buffered: "9a395c62e980fa94",
    ASGIProtocol._pause_reading: "fb500f663d4a5e79",
    ASGIProtocol._safe_write: "c91fb7e1a7560ea8",
    ASGIProtocol._resume_reading: "c37bc75ddac744b5",
    ASGIProtocol.pause_writing: "5f50159718311cfa",
    ASGIProtocol.resume_writing: "5b3b48f7e3ee0445",
    ASGIProtocol._close_transport: "44a7b01bff383f42",
    ASGIProtocol._handle_connection: "9e8aa1729b5ad113",
    ASGIProtocol._serve_http_request: "d9f71d2957f5c543",
    ASGIProtocol._handle_http_request: "64c35dd5cb539d47",
    ASGIProtocol._will_close: "51fc51e626eb5dd2",
    ASGIProtocol._build_http_scope: "323a0d69faa9dee0",
    BaseWorker.__init__: "e0f1de2d60574066",
    BaseWorker.init_process: "114caccd7a0e3c21",
    BaseWorker.notify: "7f509bc4046b0e97",
    ASGIWorker.__init__: "81a90782c8105c9c",
    ASGIWorker.init_process: "1372e83712f049ce",
    ASGIWorker.run: "60eab51d5a8d924c",
    ASGIWorker._serve: "986a7a4ab51cb4a7",
    ASGIWorker._shutdown: "9598f4e44fbadf84",
    ASGIWorker._cleanup: "5a98ce1170c53893",
    ASGIWorker.handle_exit_signal: "eb30bb9a34a77e7d",
    ASGIWorker.handle_quit_signal: "1b6c1f2f0c825ebc",
}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__qualname__)
def test_a_private_part_of_gunicorn_has_not_changed(part: Any) -> None:
    assert digest(part) == PARTS[part]


def digest(part: Any) -> str:
    return hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:16]


def test_every_answer_names_the_same_server() -> None:
    assert protocol._CACHED_SERVER_HEADER == b"Server: gunicorn/asgi\r\n"
