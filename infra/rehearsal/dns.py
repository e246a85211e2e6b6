"""`python -m infra.rehearsal.dns ADDRESS FILE`: the only DNS server that the rehearsed world knows.

Names come from a hosts file that is read at each question. Any other name does not exist, said
at once: with no answer at all, Docker's resolver would let Caddy wait for the name of a stopped
container.
"""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

TTL_S = 5
A_RECORD = 1
NO_ERROR, NAME_UNKNOWN = 0x8580, 0x8583
"""Response, authoritative, recursion desired and available; the last digit is the code."""


def read_question(packet: bytes) -> tuple[str, int, int]:
    """Return the name that a query asks for, its type, and where the question ends."""
    labels: list[str] = []
    position = 12
    while packet[position]:
        length = packet[position]
        labels.append(packet[position + 1 : position + 1 + length].decode("ascii"))
        position += length + 1
    (kind,) = struct.unpack_from(">H", packet, position + 1)
    return ".".join(labels).lower(), kind, position + 5


def answer(packet: bytes, names: dict[str, str]) -> bytes:
    """Return the answer to a query; a known name has an A record and no other.

    Args:
        packet: the query.
        names: address by name.
    """
    name, kind, end = read_question(packet)
    address = names.get(name)
    record = b""
    if address and kind == A_RECORD:
        record = struct.pack(">HHHIH", 0xC00C, A_RECORD, 1, TTL_S, 4) + socket.inet_aton(address)
    flags = NO_ERROR if address else NAME_UNKNOWN
    counts = struct.pack(">HHHHH", flags, 1, int(bool(record)), 0, 0)
    return packet[:2] + counts + packet[12:end] + record


def read_names(hosts: str) -> dict[str, str]:
    """Return the address of each name of a hosts file."""
    lines = (line.split() for line in hosts.splitlines() if line.strip())
    return {name.lower(): words[0] for words in lines for name in words[1:]}


def main() -> None:
    """Answer until the process is ended; what is no query is dropped."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((sys.argv[1], 53))
    while True:
        packet, sender = listener.recvfrom(1500)
        try:
            names = read_names(Path(sys.argv[2]).read_text(encoding="utf-8"))
            listener.sendto(answer(packet, names), sender)
        except (IndexError, UnicodeDecodeError, struct.error):
            continue


if __name__ == "__main__":
    main()
