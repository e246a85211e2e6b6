"""verify judges: what was down before, what the release broke, evidence, and the way back.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from prefect import flow, get_client, resume_flow_run
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

from infra.rehearsal.cloud_machine import cloud
from infra.rehearsal.shell import wait_until
from rollout.decide.way_back import WayBack
from rollout.executors.files import read_environment
from tasks.ask import ASKS
from tasks.lease import target_lease
from tasks.target import reach
from tasks.verify import current_release
from tasks.way_back import way_back
from tests.support import blocks
from tests.support.alerts import opened, shown
from tests.support.world import (
    ROOT,
    RUN_LIMIT_S,
    Run,
    commit,
    facts,
    health,
    on_host,
    rehearsal,
    serving_version,
    tool,
    trigger,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.schemas.objects import FlowRun

pytestmark = pytest.mark.rehearsal

SPARE = "10.77.0.50"


def artifact(flow_run_id: str, key: str) -> str:
    """Return what a run has shown under a key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[key]),
                flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]),  # pyright: ignore[reportArgumentType]
            )
        )
    assert found, f"the run has no artifact {key}"
    return str(found[-1].data)


@contextmanager
def without_redis() -> Generator[None]:
    machine = cloud(rehearsal())
    machine.run("cloud-service", "stop", "redis")
    try:
        yield
    finally:
        machine.run("cloud-service", "start", "redis")
        wait_until(lambda: health()["status"] == "healthy", "Redis to answer again")


@pytest.fixture(scope="module")
def serving() -> str:
    """Return what serves; on a bare host a good commit is deployed first."""
    if "web-r" in on_host("cat /opt/trovella/proxy/live 2>/dev/null || true"):
        return serving_version()
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return version


def test_what_was_down_before_the_deploy_is_told_and_stops_nothing(serving: str):
    version = commit()
    with without_redis():
        run = trigger("deploy", commit=version)

        assert run.exit_code == 0, run.log
        assert health()["status"] == "degraded"

    assert serving_version() == version
    report = artifact(run.flow_run_id, "release")
    assert "| warning | dependency redis from outside | not ok in " in report
    assert "as before the activation | ok within 3000 ms |" in report


@contextmanager
def without_migrations() -> Generator[None]:
    """Let the database's own table lack its rows, as in another database.

    All of them: the release that serves need not know the newest, after a rollback.
    """
    table = "drizzle.__drizzle_migrations"
    with psycopg.connect(facts()["database_url"], autocommit=True) as connection:
        rows = connection.execute(
            f"delete from {table} returning id, hash, created_at"  # pyright: ignore[reportArgumentType]
        ).fetchall()
        try:
            yield
        finally:
            connection.cursor().executemany(
                f"insert into {table} (id, hash, created_at) values (%s, %s, %s)",  # pyright: ignore[reportArgumentType]
                rows,
            )


def test_what_serves_is_not_left_for_what_was_so_before_the_run(serving: str):
    served = serving_version()
    with without_redis():
        runs = [trigger("deploy", commit=served) for _ in range(2)]

    assert [run.exit_code for run in runs] == [0, 0], runs[-1].log
    assert serving_version() == served
    number = int(on_host("readlink /opt/trovella/current").rpartition("/")[2])
    said = [json.loads(line) for line in on_host("cat /opt/trovella/ledger.jsonl").splitlines()]
    assert [one["event"] for one in said if one["release"] == number][-1] == "verified"


def test_verify_alone_asks_for_all_of_it(serving: str):
    now = datetime.now(UTC).isoformat()
    alerts = opened(shown("Uptime", now), shown("Memory", now, now))
    with without_redis(), alerts, without_migrations():
        run = trigger("verify")

    assert run.state == "Failed", run.log
    assert "dependency redis from outside: expected ok within 3000 ms, seen not ok" in run.message
    assert "migrations in the database: expected all " in run.message
    assert "see also migrations-missing" in run.message
    told = "| alerts since the activation | open: Uptime; closed again: Memory | none open |"
    assert told in artifact(run.flow_run_id, "release")


def test_what_another_run_is_changing_is_not_judged(serving: str):
    @flow
    def beside_a_change() -> Run:
        with target_lease("rehearsal"), without_redis():
            return trigger("verify")

    run = beside_a_change()

    assert (run.exit_code, run.state) == (0, "Skipped"), run.log
    assert "a run is changing the target; look again later. Seen: " in run.message
    assert run.tasks["verify"] == "Failed"


def test_an_alert_and_alerts_that_cannot_be_read_are_left_to_a_person(serving: str):
    with opened(shown("Uptime", datetime.now(UTC).isoformat())):
        alert = trigger("verify")
    with opened(denied=True):
        unread = trigger("verify")

    assert "could not be verified: alerts since the activation: expected none" in alert.message
    assert "seen open: Uptime" in alert.message
    assert (alert.tasks["verify"], unread.tasks["verify"]) == ("Inconclusive", "Inconclusive")
    assert "alerts since the activation could not be looked at: " in unread.message
    assert "HTTP 403" in unread.message


def test_a_host_that_is_not_reached_is_not_taken_for_health(serving: str):
    with blocks.changed("target-host/rehearsal-host", host=SPARE):
        run = trigger("verify")

    # It cannot even be asked what should serve.
    assert run.state == "Failed", run.log
    assert SPARE in run.message


def test_what_the_release_broke_is_left_and_its_evidence_is_kept(serving: str):
    served = serving_version()
    store = Path(facts()["google_store"])
    former = store.read_text()
    document = json.loads(former)
    name = f"projects/{facts()['secrets_project']}/secrets/trovella-upstash-redis-url"
    wrong = "redis://:wr0ng-passw0rd@redis.upstash.rehearsal:6379"
    document["secrets"][name].append({"state": "ENABLED", "value": wrong})
    store.write_text(json.dumps(document))
    try:
        run = trigger("deploy", commit=commit())
    finally:
        store.write_text(former)

    assert run.state == "RolledBack", run.log
    assert "dependency redis from outside" in run.message
    assert "is serving again" in run.message
    assert serving_version() == served
    evidence = artifact(run.flow_run_id, "evidence")
    assert "| redis | false |" in evidence
    assert '"check":"redis"' in evidence
    assert "wr0ng-passw0rd" not in evidence
    assert "the proxy's warnings and errors:" in evidence
    # What was seen then is looked at once, and is what the run is explained by.
    assert "| redis | false |" in artifact(run.flow_run_id, "diagnosis")
    assert "wr0ng-passw0rd" not in artifact(run.flow_run_id, "diagnosis")


@flow(name="look at the way back")
def looking() -> tuple[WayBack, WayBack]:
    """Return the way back to what serves, from a release with its schema and from another one."""
    settings = read_environment("rehearsal")
    former = current_release("rehearsal")
    with reach(settings) as host:
        return (
            way_back(host, settings, former, former),
            way_back(host, settings, replace(former, contract="0" * 64), former),
        )


def test_the_way_back_is_closed_while_the_schema_breaks_the_former_code(serving: str):
    same, other = looking()
    assert (same, other) == (WayBack(open=True), WayBack(open=True))

    with psycopg.connect(facts()["database_url"], autocommit=True) as connection:
        connection.execute("ALTER TABLE ai_model RENAME COLUMN provider TO vendor")
        try:
            same, other = looking()
        finally:
            connection.execute("ALTER TABLE ai_model RENAME COLUMN vendor TO provider")

    assert same.open
    assert not other.open
    assert "cannot live with the schema that is there now: " in other.told
    assert "provider" in other.told


def test_a_block_that_is_gone_leaves_the_way_back_open_and_says_so(serving: str):
    with blocks.changed("app-database/rehearsal-database", host="10.77.0.51"):
        _, other = looking()

    assert other.open
    assert "is not known: " in other.told


def paused() -> UUID:
    """Wait until a run asks, and return its id."""
    kind = FlowRunFilterStateType(any_=[StateType.PAUSED])
    asking = FlowRunFilter(state=FlowRunFilterState(type=kind))
    found: list[FlowRun] = []

    def asks() -> bool:
        with get_client(sync_client=True) as client:
            found[:] = client.read_flow_runs(flow_run_filter=asking)
        return bool(found)

    wait_until(asks, "a run that asks", timeout_s=RUN_LIMIT_S)
    return found[0].id


def test_a_person_decides_what_nobody_could_see_in_full(serving: str):
    outcome: list[Run] = []
    served = serving_version()
    run = threading.Thread(
        target=lambda: outcome.append(trigger("rollback", reason="a test of verify"))
    )

    with opened(denied=True):
        run.start()
        resume_flow_run(paused(), {"verdict": "go", "why": "the page is well", "who": "ada"})
        run.join()

    (back,) = outcome
    assert back.exit_code == 0, back.log
    assert back.tasks["verify"] == "Inconclusive"
    assert (
        "; it goes on although alerts since the activation could not be looked at: " in back.message
    )
    assert "(ada: the page is well)" in back.message
    with get_client(sync_client=True) as client:
        told = str(client.read_flow_run(UUID(back.flow_run_id)).labels[ASKS])
    assert "could not be looked at" in told
    assert ": shall it go on serving?\nleft: The run waits until 20" in told
    assert "; without an answer it is left again, for the release before it.\nnext: " in told
    assert serving_version() != served
    assert json.loads(on_host("tail -n 1 /opt/trovella/ledger.jsonl"))["event"] == "verified"


def test_a_rollback_from_a_terminal_says_there_what_it_asks_and_is_seen_at_work(serving: str):
    deployed = trigger("deploy", commit=commit())
    assert deployed.exit_code == 0, deployed.log
    words = (ROOT / "bin/rollback", "--environment", "rehearsal", "--reason", "a test of verify")
    with (
        opened(denied=True),
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        asked = paused()
        seen = tool("doctor", "--environment", "rehearsal").stdout
        with get_client(sync_client=True) as client:
            tags = client.read_flow_run(asked).tags
        resume_flow_run(asked, {"verdict": "go", "why": "the page is well", "who": "ada"})
        said, _ = process.communicate(timeout=RUN_LIMIT_S)

    assert process.returncode == 0, said
    assert sorted(tags) == ["rehearsal", "rollback"]
    assert f"(Paused, {asked})" in seen
    assert ": shall it go on serving?\nleft: The run waits until 20" in said
    assert f"/{asked}, read what is known, and answer with Resume.\n" in said
