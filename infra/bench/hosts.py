"""Rolls over simulated hosts, each in a process of its own, at a Prefect server on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from infra.bench.hosts_figures import Roll
from infra.rehearsal.paths import CHECKOUT
from infra.rehearsal.shell import run, say, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

SIZES = (
    (1, "1"),
    (3, "1"),
    (10, "1"),
    (30, "25%"),
    (30, "100%"),
    (100, "10%"),
    (100, "25%"),
    (100, "100%"),
)
"""Hosts beside the canary, and how many at once."""
SETTINGS = CHECKOUT / "infra/prefect/prefect.env"
_PACKAGES = ("blocks", "flows", "infra", "rollout", "tasks")
_START_LIMIT_S = 120
_END_LIMIT_S = 60
_ROLL_LIMIT_S = 1800
_FOREIGN = ("PREFECT_", "REHEARSAL_")


def rolls(sizes: Sequence[tuple[int, str]] = SIZES) -> list[Roll]:
    """Roll over hosts of each size, one after the other, at a server of the bench's own."""
    done: list[Roll] = []
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as environment:
        # What a server and a client do only once is no part of a roll.
        roll_over(1, "1", environment)
        for hosts, batch in sizes:
            done.append(roll_over(hosts, batch, environment))
            say(f"  {hosts} hosts, {batch} at once: {done[-1].seconds:.1f} s")
    return done


def roll_over(hosts: int, batch: str, environment: Mapping[str, str]) -> Roll:
    """Roll once and return what it took.

    Args:
        hosts: How many there are beside the canary.
        batch: As `[hosts] batch` has it.
        environment: What a client of the Prefect server needs.

    Raises:
        RehearsalError: When the roll failed; with the last lines of its log.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in _PACKAGES:
            (place / name).symlink_to(CHECKOUT / name)
        (place / "deployments").mkdir()
        words = ("--hosts", str(hosts), "--batch", batch, "--port", _free_port())
        told = run(
            ["env", "-C", folder, sys.executable, "-m", "infra.bench.roll", *words],
            env={**environment, "PYTHONPATH": folder},
            timeout_s=_ROLL_LIMIT_S,
        )
    return Roll(**json.loads(told.splitlines()[-1]))


@contextmanager
def serving(home: Path) -> Generator[dict[str, str]]:
    """Run a Prefect server with the project's settings, and yield what its clients need.

    Args:
        home: Where it keeps its database.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = _clean() | {"PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    command = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1")
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            (*command, "--port", port), env=environment, stdout=log, stderr=log, cwd=CHECKOUT
        )
    try:
        wait_until(lambda: _answers(url), "Prefect's answer", timeout_s=_START_LIMIT_S)
        yield environment
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_END_LIMIT_S)


def _clean() -> dict[str, str]:
    """Return our environment with the project's settings of Prefect, and no other of them."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_FOREIGN)}
    lines = SETTINGS.read_text(encoding="utf-8").splitlines()
    return kept | dict(line.split("=", 1) for line in lines if line and line[0] != "#")


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).is_success
    except httpx.TransportError:
        return False
