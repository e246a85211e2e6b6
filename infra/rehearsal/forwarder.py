"""`python -m infra.rehearsal.forwarder ADDRESS PORT KEEPER TARGET`: the way to the UI from outside.

It listens on the machine's loopback and connects from a thread in the pipeline's network. A socket
belongs to the network that it was made in, so this one thread is the only bridge, and nothing
inside can use it to get out.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
import threading
from contextlib import suppress

CLONE_NEWNET = 0x40000000
CHUNK_BYTES = 65536


def enter_network(keeper: int) -> None:
    """Move this thread into the network namespace that another process keeps.

    Raises:
        OSError: there is no such process, or it may not be entered.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{keeper}/ns/net", os.O_RDONLY)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "the network namespace could not be entered")
    os.close(namespace)


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy bytes until the source ends, then tell the target that nothing more comes."""
    with suppress(ConnectionError):
        while chunk := await source.read(CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


async def forward(port: int, client: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Carry one connection, both ways, until both ends are done."""
    reader, writer = client
    try:
        inside = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, inside[1]), copy(inside[0], writer))
    for end in (writer, inside[1]):
        end.close()


async def serve(listener: socket.socket, port: int) -> None:
    """Carry every connection until the process is ended."""
    server = await asyncio.start_server(lambda r, w: forward(port, (r, w)), sock=listener)
    await server.serve_forever()


def carry(listener: socket.socket, keeper: int, port: int) -> None:
    """Move this thread inside and carry; the process as a whole stays where it is."""
    enter_network(keeper)
    asyncio.run(serve(listener, port))


def main() -> None:
    """Listen outside, carry from a thread inside.

    The main thread stays in the machine's own namespaces, where a test can look through its pid.
    """
    outside, keeper, inside = (int(word) for word in sys.argv[2:5])
    listener = socket.create_server((sys.argv[1], outside))
    carrier = threading.Thread(target=carry, args=(listener, keeper, inside), daemon=True)
    carrier.start()
    carrier.join()


if __name__ == "__main__":
    main()
