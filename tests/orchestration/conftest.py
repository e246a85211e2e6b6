"""A Prefect server and worker of the tests' own, with the project's settings; nothing is shared."""

from __future__ import annotations

import asyncio
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

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "infra/prefect/prefect.env"
FOLDER = Path(__file__).parent
POOL = "tests"
START_LIMIT_S = 120
# Tests of these must not find the rehearsal that they may be running in.
FOREIGN = ("PREFECT_", "REHEARSAL_", "GITHUB_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.prefect)


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = 60) -> None:
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

    def python(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Python in the project with the server's settings."""
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment | options.pop("env", {}),
            capture_output=True, text=True, timeout=120, check=False, **options,
        )  # fmt: skip

    def run(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        """Return what a coroutine answers that is given an open client."""
        from prefect.client.orchestration import get_client

        async def call() -> Any:
            async with get_client() as client:
                return await work(client)

        return asyncio.run(call())

    def run_state(self, run_id: str) -> str:
        return self.run(lambda client: client.read_flow_run(run_id)).state.name

    def order(self, deployment: str, **parameters: Any) -> str:
        """Start a run and return its id."""

        async def work(client: Any) -> str:
            found = await client.read_deployment_by_name(deployment)
            run = await client.create_flow_run_from_deployment(found.id, parameters=parameters)
            return str(run.id)

        return self.run(work)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


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
    return process.wait(timeout=60)


@contextmanager
def serving(environment: dict[str, str], port: int) -> Generator[Server]:
    """Run a server until the block ends."""
    url = f"http://127.0.0.1:{port}/api"
    environment = environment | {"PREFECT_API_URL": url}
    command = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with (Path(environment["PREFECT_HOME"]) / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=log, stderr=log, cwd=ROOT
        )
    try:
        wait_until(lambda: _answers(url), "Prefect's server", START_LIMIT_S)
        yield Server(environment, url, process)
    finally:
        stop(process)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def server(home: Path) -> Generator[Server]:
    """A server on SQLite with the settings of `infra/prefect/prefect.env`; this process uses it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    environment = kept | _settings() | {"PREFECT_HOME": str(home), "PYTHONPATH": str(ROOT)}
    with serving(environment, _free_port()) as running:
        from prefect.settings import get_settings_context
        from prefect.settings.context import use_profile

        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(FOREIGN)]:
                patch.delenv(name)
            for name, text in running.environment.items():
                patch.setenv(name, text)
            with use_profile(get_settings_context().profile, override_environment_variables=False):
                yield running


@contextmanager
def working(server: Server, *options: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a worker of the project's own until the block ends; SIGKILL for what is left of it."""
    words = [sys.executable, "-m", "infra.prefect.worker", "--pool", POOL, *options]
    log = Path(server.environment["PREFECT_HOME"]) / "worker.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            words, cwd=ROOT, env=server.environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        stop(process, signal.SIGKILL)


@pytest.fixture(scope="session")
def deployments(server: Server) -> Server:
    """The deployments of `tests/orchestration/sample_flows.py`, in a pool of their own."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.utilities.callables import parameter_schema

    from tests.orchestration import sample_flows

    async def work(client: Any) -> None:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        for flow in (sample_flows.deploy, sample_flows.rollback):
            await client.create_deployment(
                await client.create_flow_from_name(flow.name),
                name="production",
                work_pool_name=POOL,
                entrypoint=f"tests.orchestration.sample_flows.{flow.__name__}",
                parameter_openapi_schema=parameter_schema(flow).model_dump(exclude_unset=True),
                enforce_parameter_schema=True,
                pull_steps=[],
            )

    server.run(work)
    return server
