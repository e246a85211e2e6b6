"""A switch of the rehearsal's own, and the machines' legs on it.

Every network namespace is kept by a process that only sleeps and is found by its pid, so that
nothing is mounted under /run/netns and nothing of it can be seen in the machine's own network.
There is no leg and no route on the machine itself: the rehearsal is offline by construction.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal import facts
from infra.rehearsal.shell import run, wait_until

if TYPE_CHECKING:
    from infra.rehearsal.paths import Rehearsal

SWITCH = "switch"


def switch_commands() -> str:
    """Return the `ip` commands that make a bridge in a namespace."""
    return "link add br0 type bridge\nlink set br0 up\nlink set lo up\n"


def leg_commands(address: str, keeper: int) -> str:
    """Return the `ip` commands, said at the switch, that give a namespace its `eth0`.

    The hardware address follows from the address: a machine that is built anew under the same
    address would otherwise sit behind a stale ARP entry for seconds.

    Args:
        address: the machine's first one.
        keeper: process that keeps the machine's network namespace.

    Example:
        >>> leg_commands("10.77.0.2", 4711).splitlines()[0]
        'link add p2 type veth peer name eth0 address 02:77:0a:4d:00:02 netns 4711'
    """
    octets = [int(part) for part in address.split(".")]
    hardware = "02:77:" + ":".join(f"{octet:02x}" for octet in octets)
    port = f"p{octets[-1]}"
    return (
        f"link add {port} type veth peer name eth0 address {hardware} netns {keeper}\n"
        f"link set {port} master br0 up\n"
    )


def address_commands(addresses: tuple[str, ...]) -> str:
    """Return the `ip` commands, said in the machine's namespace, that make it reachable."""
    each = "".join(f"addr add {address}/{facts.SUBNET_BITS} dev eth0\n" for address in addresses)
    return f"link set lo up\n{each}link set eth0 up\n"


def keeper(rehearsal: Rehearsal, name: str) -> int | None:
    """Return the process that keeps a network namespace, or None when there is none."""
    try:
        text = (rehearsal.machine(name) / "keeper.pid").read_text(encoding="utf-8")
        words = Path(f"/proc/{int(text)}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return int(text) if words[0].decode() == rehearsal.netns(name) else None


def in_network(rehearsal: Rehearsal, name: str) -> tuple[str, ...]:
    """Return the words that make a command run in a machine's network."""
    return ("nsenter", f"--net=/proc/{keeper(rehearsal, name)}/ns/net")


def ensure_switch(rehearsal: Rehearsal) -> None:
    """Stand up the switch, unless it stands."""
    if keeper(rehearsal, SWITCH) is None:
        _keep(rehearsal, SWITCH)
        _ip(rehearsal, SWITCH, switch_commands())


def attach(rehearsal: Rehearsal, name: str, addresses: tuple[str, ...]) -> None:
    """Give a machine its network with these addresses, unless it has one."""
    if keeper(rehearsal, name) is not None:
        return
    kept = _keep(rehearsal, name)
    _ip(rehearsal, SWITCH, leg_commands(addresses[0], kept))
    _ip(rehearsal, name, address_commands(addresses))


def detach(rehearsal: Rehearsal, name: str) -> None:
    """Take a machine's network away; every process that is still in it is killed."""
    kept = keeper(rehearsal, name)
    if kept is None:
        return
    inside = [pid for pid in processes_in(kept) if pid != kept]
    for pid in [*inside, kept]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not _alive(kept), f"the end of the network of {name}")


def processes_in(kept: int) -> list[int]:
    """Return the processes that share a keeper's network namespace, the keeper among them."""
    wanted = Path(f"/proc/{kept}/ns/net").readlink()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "ns/net").readlink() == wanted:
                found.append(int(entry.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _keep(rehearsal: Rehearsal, name: str) -> int:
    folder = rehearsal.machine(name)
    folder.mkdir(parents=True, exist_ok=True)
    sleeping = f"exec -a {rehearsal.netns(name)} sleep infinity"
    process = subprocess.Popen(
        ["unshare", "--net", "bash", "-c", sleeping],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    (folder / "keeper.pid").write_text(str(process.pid), encoding="utf-8")
    wait_until(lambda: keeper(rehearsal, name) is not None, f"the network of {name}")
    return process.pid


def _ip(rehearsal: Rehearsal, name: str, commands: str) -> None:
    run([*in_network(rehearsal, name), "ip", "-batch", "-"], stdin=commands)
