"""What answers over HTTP in the simulation: each host's application, and Google's tokens."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from infra.bench.delays import ANSWER_S, TOKEN_S
from infra.bench.simulated import OWN

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from infra.bench.machine import Machine

TOKEN_PATH = "/token"  # noqa: S105 - where tokens are asked for, and none itself
_TOKEN = {"access_token": "simulated", "expires_in": 3600, "token_type": "Bearer"}
_END_S = 10.0


class _Server(threading.Thread):
    """The thread whose loop serves all machines; what it takes is the simulation's own time."""

    def __init__(self, machines: Mapping[str, Machine], port: int) -> None:
        super().__init__(name="answers", daemon=True)
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.failed: OSError | None = None
        self._machines = machines
        self._port = port

    def run(self) -> None:
        """Serve until the loop is stopped."""
        try:
            begin = asyncio.start_server(self._answer, list(self._machines), self._port)
            server = self.loop.run_until_complete(begin)
        except OSError as error:
            self.failed = error
            return
        finally:
            self.ready.set()
        with OWN.counted():
            self.loop.run_forever()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        machine = self._machines[writer.get_extra_info("sockname")[0]]
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await _respond(machine, reader, writer):
                pass
        writer.close()


@contextmanager
def answering(machines: Mapping[str, Machine], port: int) -> Generator[None]:
    """Let each machine answer at its own address, on one port, as long as the block lasts.

    Args:
        machines: Loopback address to the machine.
        port: The TCP port.

    Raises:
        OSError: When the port is somebody else's.
    """
    server = _Server(machines, port)
    server.start()
    server.ready.wait()
    if server.failed:
        raise server.failed
    try:
        yield
    finally:
        server.loop.call_soon_threadsafe(server.loop.stop)
        server.join(_END_S)


async def _respond(
    machine: Machine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer one request; return whether another one may follow."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    wants_token = head.split(" ", 2)[1] == TOKEN_PATH
    length = next(
        (
            int(line.split(":")[1])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        ),
        0,
    )
    await reader.readexactly(length)
    await asyncio.sleep(TOKEN_S if wants_token else ANSWER_S)
    said = _TOKEN if wants_token else {"status": "healthy", "version": machine.version}
    body = json.dumps(said).encode()
    lines = (
        "HTTP/1.1 200 OK",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"x-release: {machine.live}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode() + body)
    await writer.drain()
    return "connection: close" not in head.lower()
