"""A Prefect server and a worker of the tests' own, and how to ask and end them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "infra/prefect/prefect.env"
POOL = "tests"
START_LIMIT_S = 240
FOREIGN = ("PREFECT_", "REHEARSAL_", "GITHUB_")
"""The tests may run in a rehearsal or in CI, whose server and files are not theirs."""


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = 180) -> None:
    """Wait for a condition; fail with its name when it does not come."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {limit_s} s for {what}")
        time.sleep(0.1)


@dataclass
class Server:
    """A server that runs, and the environment that its clients need."""

    environment: dict[str, str]
    url: str
    process: subprocess.Popen[bytes]
    client: Any = None

    def python(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Python in the project with the server's settings."""
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment | options.pop("env", {}),
            capture_output=True, text=True, timeout=300, check=False, **options,
        )  # fmt: skip

    def run_state(self, run_id: str) -> str:
        """Return the name of a run's state."""
        return self.client.read_flow_run(UUID(run_id)).state.name

    def order(self, deployment: str, **parameters: Any) -> str:
        """Start a run and return its id."""
        found = self.client.read_deployment_by_name(deployment)
        run = self.client.create_flow_run_from_deployment(found.id, parameters=parameters)
        return str(run.id)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment of a server and its clients, with the project's settings."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | _settings() | {"PREFECT_HOME": str(home), "PYTHONPATH": str(ROOT)}


def _settings() -> dict[str, str]:
    lines = (line for line in SETTINGS.read_text().splitlines() if line and line[0] != "#")
    return dict(line.split("=", 1) for line in lines)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> int:
    """End a process that a test started, and return its exit status."""
    if process.poll() is None:
        process.send_signal(how)
    return process.wait(timeout=180)


@contextmanager
def serving(environment: dict[str, str], port: int, *options: str) -> Generator[Server]:
    """Run a server until the block ends."""
    url = f"http://127.0.0.1:{port}/api"
    environment = environment | {"PREFECT_API_URL": url}
    command = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    command += options
    with (Path(environment["PREFECT_HOME"]) / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=log, stderr=log, cwd=ROOT
        )
    try:
        wait_until(lambda: _answers(url), "Prefect's server", START_LIMIT_S)
        yield Server(environment, url, process)
    finally:
        stop(process)


@contextmanager
def working(server: Server, *options: str, pool: str = POOL) -> Generator[subprocess.Popen[bytes]]:
    """Run a worker of the project's own until the block ends; SIGKILL for what is left of it."""
    words = [sys.executable, "-m", "infra.prefect.worker", "--pool", pool, *options]
    log = Path(server.environment["PREFECT_HOME"]) / "worker.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            words, cwd=ROOT, env=server.environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        stop(process, signal.SIGKILL)
