"""Places: private network and mounts over the machine's own root, for programs that need `.venv`.

The pipeline is one (its own address), the stand-ins for Google, GitHub and DNS are another (the
cloud's addresses). A place has no processes of its own: what runs in it is found by its network.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal import network
from infra.rehearsal.machines import resolver
from infra.rehearsal.paths import INSIDE, Rehearsal
from infra.rehearsal.shell import run, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Place:
    """A view of the machine's own root.

    Attributes:
        rehearsal: the world that it is in.
        name: its folder's name.
        network: name of the machine whose network it is in; its own name where it has one.
        addresses: on the switch; empty where the network is another's.
        binds: folders outside, and where below /run they are seen inside.
    """

    rehearsal: Rehearsal
    name: str
    network: str
    addresses: tuple[str, ...] = ()
    binds: tuple[tuple[Path, str], ...] = ()

    @property
    def state(self) -> Path:
        """Return the folder of its bookkeeping and logs."""
        return self.rehearsal.machine(self.name)

    @property
    def title(self) -> str:
        """Return what the process that holds its mounts is called."""
        return f"{self.rehearsal.netns(self.name)}-place"

    def up(self) -> None:
        """Make it, unless it is there."""
        if self.holder() is not None:
            return
        self.state.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.rehearsal.bundle, self.state / "bundle.pem")
        binds = "".join(f"{source} {target}\n" for source, target in self.binds)
        texts = {"resolv.conf": resolver(), "hosts": "127.0.0.1 localhost\n", "binds": binds}
        for name, text in texts.items():
            (self.state / name).write_text(text, encoding="utf-8")
        if self.addresses:
            network.attach(self.rehearsal, self.name, self.addresses)
        into = network.in_network(self.rehearsal, self.network)
        hold = [str(INSIDE / "borrow-root"), str(self.state), self.title]
        with (self.state / "place.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*into, "unshare", "--mount", *hold],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        (self.state / "holder.pid").write_text(str(process.pid), encoding="utf-8")
        wait_until(lambda: self.holder() is not None, f"the place {self.name}", timeout_s=10)

    def holder(self) -> int | None:
        """Return the process that holds its mounts, or None when it is not there."""
        return _running(self.state / "holder.pid", self.title.encode())

    def enter(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words that make a command run inside, with this environment and no other."""
        return (
            *("nsenter", f"--target={self.holder()}", "--mount", "--net"),
            *("env", "-i", *(f"{name}={value}" for name, value in environment.items())),
            *("sh", "-c", 'cd "$0" && exec "$@"', str(self.rehearsal.checkout)),
        )

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run a command inside, in the checkout, and return its standard output."""
        return run([*self.enter(environment), *command])

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a program inside that stays, unless it runs; its log is `NAME.log`."""
        if self.started(name) is not None:
            return
        with (self.state / f"{name}.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*self.enter(environment), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        begun = _start_time(process.pid)
        (self.state / f"{name}.pid").write_text(f"{process.pid} {begun}", encoding="utf-8")

    def started(self, name: str) -> int | None:
        """Return the pid of a program that was started under this name and still runs."""
        try:
            pid, begun = (self.state / f"{name}.pid").read_text(encoding="utf-8").split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if begun != "0" and _start_time(int(pid)) == begun else None

    def end(self, name: str, how: signal.Signals = signal.SIGTERM, timeout_s: float = 60) -> None:
        """Ask a program to end and wait; it is killed when it does not within `timeout_s`."""
        pid = self.started(name)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        deadline = time.monotonic() + timeout_s
        while self.started(name) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.started(name) is not None:
            os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Kill what runs inside and take the place away; its folder stays for its logs."""
        if self.addresses:
            network.detach(self.rehearsal, self.name)
        holder = self.holder()
        if holder is not None:
            os.kill(holder, signal.SIGKILL)
            wait_until(lambda: self.holder() is None, f"the end of the place {self.name}")


def _running(file: Path, title: bytes) -> int | None:
    try:
        pid = int(file.read_text(encoding="utf-8"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if words[0] == title else None


def _start_time(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; "0" when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return "0"
    fields = text.rpartition(")")[2].split()
    return "0" if fields[0] == "Z" else fields[19]
