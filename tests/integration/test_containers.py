"""Service containers on the rehearsal's engine: ready when said so, and gone afterwards."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rollout.config import ServiceContainer
from rollout.errors import EngineError
from rollout.executors import containers
from rollout.executors.containers import LABEL, service_containers
from rollout.executors.engine import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

ADDRESS = "10.77.0.20"
POSTGRES = {
    "name": "postgres",
    "image": "pgvector/pgvector:pg18",
    "port": 5432,
    "env": {"POSTGRES_USER": "trovella", "POSTGRES_PASSWORD": "trovella_dev"},
    "ready": ("pg_isready", "-h", "127.0.0.1", "-U", "trovella"),
}
REDIS = {"name": "redis", "image": "redis:8-alpine", "port": 6379}
# Answers nothing: what runs is only what each test says.
BUSYBOX = {"name": "box", "image": "busybox:1", "port": 8080, "ready_timeout_s": 1.5}


def service(base: dict[str, Any], **changed: Any) -> ServiceContainer:
    return ServiceContainer.model_validate({**base, **changed})


def run_id() -> str:
    return f"test-{secrets.token_hex(4)}"


def left_behind(owner: str) -> list[str]:
    with engine() as there:
        return [name for name, (run, _) in there.labelled(LABEL).items() if run == owner]


@pytest.fixture
def owner() -> Iterator[str]:
    owner = run_id()
    yield owner
    assert left_behind(owner) == []


def stand_up(owner: str, *services: ServiceContainer):
    return service_containers(services, owner, print, engine_address=ADDRESS)


def test_a_database_answers_as_soon_as_the_block_begins_and_is_gone_after_it(owner: str):
    with stand_up(owner, service(POSTGRES), service(REDIS)) as endpoints:
        where = endpoints["postgres"]
        url = f"postgresql://trovella:trovella_dev@{where.host}:{where.port}/trovella"
        with psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert (where.host, list(endpoints)) == (ADDRESS, ["postgres", "redis"])
        assert len(left_behind(owner)) == 2


def test_a_failure_inside_the_block_leaves_nothing_behind(owner: str):
    with pytest.raises(ZeroDivisionError), stand_up(owner, service(REDIS)):
        raise ZeroDivisionError


def test_a_container_that_ends_is_told_with_its_last_words(owner: str):
    broken = service(BUSYBOX, command=("sh", "-c", "echo no configuration; exit 3"))

    with pytest.raises(EngineError) as failed, stand_up(owner, broken, service(REDIS)):
        pass

    assert failed.value.true == ("the service container box (busybox:1) ended\nno configuration")


def test_a_container_that_never_listens_is_told(owner: str):
    deaf = service(BUSYBOX, command=("sleep", "60"))

    with pytest.raises(EngineError) as failed, stand_up(owner, deaf):
        pass

    assert failed.value.true == (
        "the service container box (busybox:1) was not ready within 1.5 s\nnothing written"
    )


def test_the_readiness_command_is_waited_for_although_the_port_answers(owner: str):
    command = ("sh", "-c", "(sleep 1; touch /ready) & nc -ll -p 8080 -e cat")
    slow = service(BUSYBOX, command=command, ready=("test", "-e", "/ready"), ready_timeout_s=20)

    started = time.monotonic()
    with stand_up(owner, slow):
        assert time.monotonic() - started > 1


def test_an_image_that_is_nowhere_is_told(owner: str):
    nowhere = service(BUSYBOX, image="busybox:no-such-tag")

    with (
        pytest.raises(EngineError, match="the image busybox:no-such-tag could not be pulled"),
        stand_up(owner, nowhere),
    ):
        pass


def test_an_engine_that_does_not_run_is_told(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/no-such-engine.sock")

    with (
        pytest.raises(EngineError, match="the Docker engine cannot be used"),
        service_containers((service(REDIS),), run_id(), print),
    ):
        pass


def test_no_services_need_no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/no-such-engine.sock")

    with service_containers((), run_id(), print) as endpoints:
        assert endpoints == {}


def test_what_a_killed_run_left_behind_is_removed_by_its_next_try(owner: str):
    script = (
        "import sys, time\n"
        "from tests.integration.test_containers import *\n"
        "with stand_up(sys.argv[1], service(REDIS)):\n"
        "    print('up', flush=True); time.sleep(60)\n"
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", script, owner],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert any(line == "up\n" for line in victim.stdout)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    [orphan] = left_behind(owner)

    with stand_up(run_id(), service(REDIS)):
        assert left_behind(owner) == [orphan]
    with stand_up(owner, service(REDIS)):
        assert orphan not in left_behind(owner)


def test_another_runs_container_is_removed_once_it_is_old(owner: str, monkeypatch):
    with engine() as there:
        there.start(
            "busybox:1", ("sleep", "60"), env={}, labels={LABEL: owner}, publish=(ADDRESS, 1)
        )
        time.sleep(1.1)
        monkeypatch.setattr(containers, "LEFTOVER_AGE_S", 1.0)

        with stand_up(run_id(), service(REDIS)):
            assert left_behind(owner) == []
