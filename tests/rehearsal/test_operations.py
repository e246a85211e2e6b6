"""The growing form: two servers and two workers share one database, and a target has one owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingRetry
from redis import Redis

from infra.rehearsal.pipeline import read_settings
from tests.orchestration.prefect_server import (
    ROOT,
    Server,
    clean_environment,
    free_port,
    serving,
    stop,
    wait_until,
    working,
)
from tests.rehearsal.faults.runs import process_of
from tests.rehearsal.occupying import DIARY
from tests.support.database import scratch_database
from tests.support.world import facts, on_host

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal

POOL = "shared"
DECLARED_DEAD_S = 240.0
PREFECT = (sys.executable, "-m", "prefect", "server")


def grown_environment(home: Path, database: str, redis: str) -> dict[str, str]:
    """Return the environment of every program of the growing form."""
    return {
        **clean_environment(home),
        **read_settings(ROOT / "infra/prefect/grown.env"),
        "REHEARSAL_WORLD": os.environ["REHEARSAL_WORLD"],
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.replace("://", "+asyncpg://"),
        "PREFECT_SERVER_DOCKET_URL": redis,
        "PREFECT_REDIS_MESSAGING_URL": redis,
        "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": redis,
    }


@contextmanager
def services(environment: dict[str, str]) -> Generator[None]:
    """Run the services that the servers leave alone, until the block ends."""
    with (Path(environment["PREFECT_HOME"]) / "services.log").open("ab") as log:
        words = (*PREFECT, "services", "start")
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=ROOT)
    try:
        yield
    finally:
        stop(process)


@contextmanager
def client_of(server: Server) -> Generator[Server]:
    """Give a server a client of its own until the block ends."""
    with temporary_settings({PREFECT_API_URL: server.url}):
        made = get_client(sync_client=True)
    with made as server.client:
        yield server


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Server, Server]]:
    """Two servers on one new database, with everything registered at the first one."""
    redis = f"{facts()['redis_url']}/7"
    with ExitStack() as running, Redis.from_url(redis) as store:
        running.callback(store.flushdb)
        database = running.enter_context(scratch_database())
        environment = grown_environment(tmp_path_factory.mktemp("prefect"), database.url, redis)
        upgrade = (*PREFECT, "database", "upgrade", "--yes")
        subprocess.run(upgrade, env=environment, capture_output=True, check=True, cwd=ROOT)
        running.enter_context(services(environment))
        one, two = (
            running.enter_context(
                client_of(running.enter_context(serving(environment, free_port(), "--no-services")))
            )
            for _ in range(2)
        )
        told = one.python("-m", "deployments.register", "--environment", "rehearsal")
        assert told.returncode == 0, told.stderr
        two.client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        one.client.create_deployment(
            one.client.create_flow_from_name("occupy"),
            name="rehearsal",
            work_pool_name=POOL,
            entrypoint="tests.rehearsal.occupying.occupy",
            pull_steps=[],
        )
        yield one, two


def diary() -> list[str]:
    """Return what was written on the host, line by line."""
    return on_host(f"cat {DIARY} 2>/dev/null || true").splitlines()


def worker_of(run: str) -> int:
    """Return the pid of the worker that started a run's process."""
    stat = Path(f"/proc/{process_of(run)}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def test_a_target_has_one_run_at_a_time_and_what_a_killed_worker_left_is_taken_over(
    servers: tuple[Server, Server], tmp_path: Path
):
    one, two = servers
    gates = tmp_path / "first", tmp_path / "second"
    gates[1].touch()
    on_host(f"rm -f {DIARY}")
    with working(one, "--limit", "1", pool=POOL), working(two, "--limit", "1", pool=POOL):
        first = one.order("occupy/rehearsal", name="first", gate=str(gates[0]))
        wait_until(lambda: diary() == ["first begins"], "the first run to hold the target")
        second = two.order("occupy/rehearsal", name="second", gate=str(gates[1]))
        wait_until(lambda: one.run_state(second) == "Running", "the second run to start")
        killed = worker_of(first)
        assert worker_of(second) != killed
        time.sleep(3)
        assert diary() == ["first begins"]

        for process in (killed, process_of(first)):
            os.kill(process, signal.SIGKILL)
        wait_until(lambda: one.run_state(second) == "Completed", "the second run to end")
        assert diary() == ["first begins", "second begins", "second ends"]

        wait_until(
            lambda: two.run_state(first) == "Crashed", "the first run's state", DECLARED_DEAD_S
        )
        assert "no heartbeat" in two.client.read_flow_run(UUID(first)).state.message
        gates[0].touch()
        two.client.set_flow_run_state(UUID(first), AwaitingRetry())
        wait_until(lambda: one.run_state(first) == "Completed", "the run to be taken over")
        assert diary()[3:] == ["first begins", "first ends"]
