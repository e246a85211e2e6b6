"""A registry that fails: `python -m tests.rehearsal.faults.registry ADDRESS PORT 503|hang`.

It has the real one's certificate, so it is what a registry in trouble looks like to everybody.
"""

from __future__ import annotations

import ssl
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.support.world import rehearsal

if TYPE_CHECKING:
    from collections.abc import Generator

Way = Literal["503", "hang"]
HANG_S = 120.0


@contextmanager
def failing_registry(address: str, port: int, way: Way) -> Generator[int]:
    """Answer 503 to everything, or nothing at all, until the block ends; yields the port."""
    over = threading.Event()

    class Failing(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            self.close_connection = True
            if way == "hang":
                over.wait(HANG_S)
            elif self.raw_requestline and self.parse_request():
                self.send_error(503)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings = Path(rehearsal().machine("cloud"), "settings")
    context.load_cert_chain(settings / "server.crt", settings / "server.key")
    with ThreadingHTTPServer((address, port), Failing) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            over.set()
            server.shutdown()


def main(address: str, port: str, way: str) -> None:
    """Fail until killed."""
    with failing_registry(address, int(port), "hang" if way == "hang" else "503"):
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
