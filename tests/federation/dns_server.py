"""A name server on this machine that knows some TXT records."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingUDPServer

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@contextmanager
def serving(texts: dict[str, list[str]]) -> Iterator[int]:
    """Answer with these texts by name, until the context ends; yields the port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            asked = dns.message.from_wire(data)
            name = asked.question[0].name
            answer = dns.message.make_response(asked)
            found = texts.get(str(name).rstrip("."))
            if found is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif found:
                quoted = [f'"{each}"' for each in found]
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", dns.rdatatype.TXT, *quoted))
            socket.sendto(answer.to_wire(), self.client_address)

    with ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
