"""The promise: a commit goes through the whole flow, or what served before still serves.

One world, in order: the first deploy meets a bare host, the later ones a serving one. Every run is
started by the trigger, executed by the worker, and judged from outside.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort

from blocks.target_host import TargetHost
from infra.rehearsal import machines
from infra.rehearsal.cloud_machine import cloud
from infra.rehearsal.shell import wait_until
from tests.support import blocks
from tests.support.github import world_github
from tests.support.world import (
    Run,
    commit,
    commit_that,
    facts,
    health,
    newest,
    on_host,
    probing,
    rehearsal,
    restart_worker,
    retry,
    serving_version,
    task_states,
    tool,
    trigger,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.schemas.objects import FlowRun

pytestmark = pytest.mark.rehearsal

SPARE = "10.77.0.50"
EVERYTHING = "ls -lR --time-style=full-iso /opt/trovella; docker ps --no-trunc --all --quiet"
PHASES = ("quality", "migrate-prod", "build-push", "deploy-prod", "verify")


@pytest.fixture(scope="module")
def first() -> str:
    """Deploy a good commit and return it; the first time, that prepares a bare host."""
    version = commit_that(brings_migration=True)
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    assert {run.tasks[name] for name in PHASES} <= {"Completed", "Skipped"}
    assert "[deploy-prod] " in run.log
    assert re.search(r"GitHub: deployment \d+ is success", run.log), run.log
    # The world may have had another module's first deploy, with the same seeds.
    assert re.search(r"seeds: .*public\.ai_model(: rows 0 -> 4| 4\b)", run.log), run.log
    assert "public.ai_model" in newest("seeds")
    return version


def assert_refused(run: Run, serving: str, *words: str, state: str = "Failed") -> None:
    """The run failed in three parts that name `words`, and `serving` still serves."""
    assert run.state == state, run.log
    assert run.exit_code == 1
    for word in (*words, "\ncause: ", "\nleft: ", "\nnext: "):
        assert word in run.message, run.message
    assert serving_version() == serving
    assert health()["status"] == "healthy"


# --- the way it should be ---


def test_a_commit_answers_from_outside_at_its_own_version(first: str):
    seen = health()

    assert seen["version"] == first
    assert seen["status"] == "healthy"
    assert seen["release"].startswith("web-r")


def test_production_names_lie_where_the_wiki_says(first: str):
    lines = on_host(
        "ls -A /opt/trovella && stat -c %a /opt/trovella/.env && readlink /opt/trovella/current"
    )

    assert {"docker-compose.prod.yml", ".env", "Caddyfile", "ledger.jsonl"} <= set(lines.split())
    assert "600" in lines.split()
    assert "releases/" in lines


def test_five_containers_run(first: str):
    assert len(on_host("docker ps --quiet").split()) == 5


def test_the_same_commit_again_is_nothing_to_do(first: str):
    before = on_host("docker ps --no-trunc --quiet")

    github = world_github()
    token = github.token
    github.change(token="ghp_another_one")
    run = trigger("deploy", commit=first)
    github.change(token=token)

    assert run.exit_code == 0, run.log
    # GitHub does not know the token: that is one line, and keeps nothing back.
    assert run.log.count("GitHub does not show this run, which goes on: ") == 1, run.log
    assert run.tasks["quality"] == "Cached"
    assert run.tasks["migrate-prod"] == "Skipped"
    assert on_host("docker ps --no-trunc --quiet") == before
    assert serving_version() == first


def test_the_next_commit_loses_no_request(first: str):
    version = commit()

    with probing() as probe:
        run = trigger("deploy", commit=version)

    assert run.exit_code == 0, run.log
    assert serving_version() == version
    assert probe.result()["sent"] > 100
    assert probe.result()["lost"] == 0, probe.result()
    assert len(on_host("docker ps --quiet").split()) == 5


def test_what_outlasts_the_time_to_drain_is_cut_off_and_told(first: str):
    """Somebody stays connected to what served, for longer than the environment lets it drain."""
    name = f"trovella-{on_host('cat /opt/trovella/proxy/live').strip()}-1"
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = on_host(f"docker inspect --format '{networks}' {name}").strip()
    stays = f"exec 3<>/dev/tcp/{address}/3000; sleep 120"
    on_host(f"setsid --fork bash -c '{stays}' </dev/null >/dev/null 2>&1")

    run = trigger("deploy", commit=commit())

    assert run.exit_code == 0, run.log
    cut = f"{name} still had connections after 30 s and was stopped: what they carried was cut off"
    assert run.message.endswith(f"; {cut}"), run.message


def test_a_dry_run_tells_every_step_and_changes_nothing():
    served, version = serving_version(), commit()
    before = on_host(EVERYTHING)

    run = trigger("deploy", commit=version, dry_run=True)

    assert (run.exit_code, run.state) == (0, "DryRun"), run.log
    assert f"({version[:12]}) serve: upload release" in run.message
    assert "would run: bash -uc '# compare the version that a container says" in run.log
    assert set(run.tasks) == {"checkout", "preflight", "migrate-prod: plan", "deploy-prod: plan"}
    assert serving_version() == served
    assert on_host(EVERYTHING) == before

    back = trigger("rollback", dry_run=True, reason="a test")
    assert (back.exit_code, back.state) == (0, "DryRun"), back.log
    assert serving_version() == served


def test_a_newer_merge_takes_the_place_of_one_that_changed_nothing_yet():
    older, newest, outcome = commit(), commit(), dict[str, Run]()

    def deploy_older() -> None:
        outcome["older"] = trigger("deploy", commit=older)

    thread = threading.Thread(target=deploy_older)
    thread.start()
    wait_until(lambda: was_ordered(older), "the older run to be made")
    newer = trigger("deploy", commit=newest)
    thread.join()

    assert newer.exit_code == 0, newer.log
    assert (outcome["older"].exit_code, outcome["older"].state) == (3, "Superseded")
    assert "has changed nothing on the target" in outcome["older"].message
    # Asked for once more it is the newest that was asked for, and yet the older commit.
    late = trigger("deploy", commit=older)
    assert (late.exit_code, late.state) == (3, "Superseded")
    assert "`accept` naming older-than-serving" in late.message
    assert serving_version() == newest
    assert "Traceback" not in outcome["older"].log
    assert not held()


def was_ordered(version: str) -> bool:
    with get_client(sync_client=True) as client:
        latest = client.read_flow_runs(limit=5, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
    return any(run.parameters.get("commit") == version for run in latest)


def held() -> bool:
    return on_host("flock --nonblock /opt/trovella/lease/lock true || echo held").strip() == "held"


def test_a_person_holds_deploys_back():
    served = serving_version()
    hold = tool("hold", "--environment", "rehearsal", "--reason", "a slow query", "--owner", "ada")
    assert hold.returncode == 0, hold.stderr

    run = trigger("deploy", commit=served)

    words = "held by ada since", "a slow query", "bin/release-hold"
    assert_refused(run, served, *words, state="Held")
    again = tool("hold", "--environment", "rehearsal", "--reason", "me too")
    assert (again.returncode, "rehearsal is held by ada" in again.stderr) == (1, True)
    doctor = tool("doctor", "--environment", "rehearsal")
    assert doctor.returncode == 1
    assert "held back by ada" in doctor.stdout
    assert "`bin/release-hold --environment rehearsal`" in doctor.stdout
    free = tool("release-hold", "--environment", "rehearsal")
    assert "it was held by ada" in free.stdout
    assert trigger("deploy", commit=served).exit_code == 0


def test_a_rollback_takes_the_earlier_release_up_again():
    served = serving_version()
    ledger = [json.loads(line) for line in on_host("cat /opt/trovella/ledger.jsonl").splitlines()]
    earlier = next(e["version"] for e in reversed(ledger) if e["version"] != served)

    with probing() as probe:
        back = trigger("rollback", to=earlier, reason="a test")
    assert back.exit_code == 0, back.log
    assert serving_version() == earlier
    assert probe.result()["lost"] == 0, probe.result()

    refused = trigger("rollback", to=earlier, reason="a test")
    assert (refused.exit_code, refused.state) == (1, "NotStarted"), refused.log
    assert "is not one of" in refused.message

    again = trigger("rollback", to=served, reason="the test is over")
    assert again.exit_code == 0, again.log
    assert serving_version() == served


def test_verify_says_what_serves():
    run = trigger("verify")

    assert run.exit_code == 0, run.log
    assert serving_version()[:12] in run.message


# --- faulty commits ---


def test_a_failing_check_stops_before_anything_is_built():
    served = serving_version()

    run = trigger("deploy", commit=commit("quality"))

    assert_refused(run, served, "checks did not pass", "test failed")
    assert "build-push" not in run.tasks or run.tasks["build-push"] == "NotReady"


def test_a_failing_build_leaves_the_schema_alone():
    served = serving_version()

    run = trigger("deploy", commit=commit("build"))

    assert_refused(run, served)
    assert run.tasks["build-push"] == "Failed"
    assert "migrate-prod" not in run.tasks


def test_a_failing_migration_is_rolled_back_as_a_whole():
    served = serving_version()

    run = trigger("deploy", commit=commit("migration"))

    assert_refused(run, served, "23502")
    assert run.tasks["migrate-prod"] == "Failed"


def test_a_container_that_never_becomes_healthy_never_gets_a_request():
    served, containers = serving_version(), on_host("docker ps --all --format '{{.Names}}'")

    with probing() as probe:
        run = trigger("deploy", commit=commit("health"))

    assert_refused(run, served, "is unhealthy", "SEARCH_REGION")
    assert run.tasks["deploy-prod"] == "Failed"
    assert probe.result()["lost"] == 0, probe.result()
    assert on_host("docker ps --all --format '{{.Names}}'") == containers


# --- bad input ---


@pytest.mark.parametrize(
    ("ref", "word"),
    [
        ("0" * 40, "0" * 40),
        ("--upload-pack=touch /tmp/pwned; $(reboot)", "should be"),
        ("", "should be"),
    ],
)
def test_a_ref_that_is_none_is_told_in_one_sentence(ref: str, word: str):
    assert_refused(trigger("deploy", commit=ref), serving_version(), word)


def test_an_unknown_environment_is_told(first: str):
    run = trigger("deploy", commit=first, environment="nowhere")

    assert run.state == "Failed"
    assert "deployments/nowhere.toml does not exist" in run.message


def test_a_missing_block_is_named():
    served = serving_version()

    with blocks.without(TargetHost, "rehearsal-host"):
        run = trigger("deploy", commit=served)

    assert_refused(run, served, "target-host/rehearsal-host")


def test_a_missing_key_is_named():
    served = serving_version()

    with blocks.changed("target-host/rehearsal-host", private_key=""):
        run = trigger("deploy", commit=served)

    assert_refused(run, served, "private_key")


def test_an_unreachable_host_is_told():
    served = serving_version()

    with blocks.changed("target-host/rehearsal-host", host=SPARE):
        run = trigger("deploy", commit=served)

    assert_refused(run, served, SPARE)
    assert set(run.tasks) == {"diagnose"}


def test_another_host_key_is_never_trusted():
    served = serving_version()
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE3FvVRcJ1yPEGwvZ7hT0zBZp2Gx0a0m1Yyq0bW3bqkD"

    with blocks.changed("target-host/rehearsal-host", host_key=other):
        run = trigger("deploy", commit=served)

    assert_refused(run, served, "key")
    assert set(run.tasks) == {"diagnose"}


def test_a_refused_registry_login_is_told():
    served = serving_version()

    with registry_password("another"):
        run = trigger("deploy", commit=served)

    assert_refused(run, served, "us-central1-docker.pkg.dev", "refuses the login")


def test_a_disabled_secret_is_named_before_anything_changes():
    served = serving_version()

    with secret("trovella-sentry-dsn", state="DISABLED"):
        run = trigger("deploy", commit=served)

    assert_refused(run, served, "trovella-sentry-dsn", "disabled")
    assert run.tasks["preflight"] == "Failed"


def test_before_the_first_release_there_is_nothing_to_look_at():
    table = "drizzle.__drizzle_migrations"
    with spare_vm() as vm, psycopg.connect(facts()["database_url"], autocommit=True) as connection:
        wait_until(lambda: vm.succeeds("docker", "info"), "the engine's first start")
        key = machines.host_key(vm)
        with blocks.changed("target-host/rehearsal-host", host=SPARE, host_key=key):
            # What the database holds some release has brought: a machine was made anew.
            lost = trigger("verify")
            connection.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
            try:
                runs = [trigger("verify"), trigger("drift")]
            finally:
                connection.execute("ALTER TABLE drizzle.elsewhere RENAME TO __drizzle_migrations")

    assert (lost.exit_code, lost.state) == (1, "Failed"), lost.log
    for run in runs:
        assert (run.exit_code, run.state) == (0, "NothingDeployed"), run.log


def test_an_empty_database_is_not_taken_for_the_one_that_is_in_use():
    served = serving_version()
    table = "drizzle.__drizzle_migrations"
    with psycopg.connect(facts()["database_url"], autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        try:
            run = trigger("deploy", commit=served)
            accepted = trigger("deploy", commit=served, dry_run=True, accept=("database-empty",))
        finally:
            connection.execute("ALTER TABLE drizzle.elsewhere RENAME TO __drizzle_migrations")

    assert_refused(run, served, "which serves, was made with", "holds none", "database-empty")
    assert run.tasks["preflight"] == "Failed"
    assert "database-empty: accepted: " in accepted.log


def test_a_full_disk_is_told_before_anything_changes():
    served = serving_version()
    with spare_vm() as vm:
        vm.run("mkdir", "/opt/trovella")
        vm.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/opt/trovella")
        with blocks.changed(
            "target-host/rehearsal-host", host=SPARE, host_key=machines.host_key(vm)
        ):
            run = trigger("deploy", commit=served)

    assert_refused(run, served, "MiB")


def test_a_disk_without_room_for_the_lease_is_named():
    served = serving_version()
    with spare_vm() as vm:
        vm.run("mkdir", "/opt/trovella")
        vm.run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/opt/trovella")
        vm.run("chown", machines.HOST_USER, "/opt/trovella")
        vm.run(
            "sh", "-c", "mkdir -m 777 /opt/trovella/lease; cat /dev/zero >/opt/trovella/full || :"
        )
        key = machines.host_key(vm)
        with blocks.changed("target-host/rehearsal-host", host=SPARE, host_key=key):
            run = trigger("deploy", commit=served)

    assert_refused(run, served, "the target's lease cannot be had")
    assert "diagnosis: disk-full: " in run.log


def test_a_run_that_brings_a_command_of_its_own_is_not_begun():
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("verify/rehearsal")
        made = client.create_flow_run_from_deployment(
            deployment.id, job_variables={"command": "sleep 600"}
        )
        wait_until(lambda: ended(client.read_flow_run(made.id)), "the run to end")
        state = client.read_flow_run(made.id).state

    assert state is not None
    assert state.is_crashed(), state
    assert "command" in (state.message or "")


def ended(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def test_an_engine_that_does_not_run_is_told():
    served = serving_version()
    with spare_vm() as vm:
        wait_until(lambda: vm.succeeds("docker", "info"), "the engine's first start")
        vm.run("service", "docker", "stop")
        with blocks.changed(
            "target-host/rehearsal-host", host=SPARE, host_key=machines.host_key(vm)
        ):
            run = trigger("deploy", commit=served)

    assert_refused(run, served, "engine")


# --- retry ---


def test_retry_goes_on_at_the_failed_task_also_after_the_worker_was_restarted():
    # What is pending is applied first: both tries plan the same.
    before = trigger("deploy", commit=commit_that(brings_migration=True))
    assert before.exit_code == 0, before.log
    served, version = serving_version(), commit_that(brings_migration=False)
    with secret("trovella-upstash-redis-url", value="redis://:wrong@redis.upstash.rehearsal:6379"):
        failed = trigger("deploy", commit=version)
    assert_refused(failed, served, "degraded", "is serving again", state="RolledBack")
    assert failed.tasks["verify"] == "Failed"

    restart_worker()
    again = retry(failed.flow_run_id)

    assert again.state == "Completed", again.log
    finished = ("checkout", "quality", "build-push", "migrate-prod")
    wait_until(
        lambda: {task_states(again.flow_run_id)[name] for name in finished} == {"Cached"},
        f"Prefect to show {', '.join(finished)} as cached",
    )
    assert serving_version() == version


# --- means ---


@contextmanager
def spare_vm() -> Generator[machines.Machine]:
    """Yield a further VM as bare as a fresh one."""
    vm = machines.fresh_vm(rehearsal(), "spare", SPARE)
    vm.up()
    try:
        yield vm
    finally:
        vm.remove()


@contextmanager
def registry_password(password: str) -> Generator[None]:
    """Let the registry want another password for a while; it reads its file at each login."""
    machine = cloud(rehearsal())
    path = "/srv/registry/htpasswd"
    former = machine.run("cat", path)
    make = 'echo "oauth2accesstoken:$(caddy hash-password --bcrypt-cost 4)" >"$0"'
    machine.run("sh", "-c", make, path, stdin=password)
    try:
        yield
    finally:
        machine.run("sh", "-c", 'cat >"$0"', path, stdin=former)


@contextmanager
def secret(name: str, *, state: str = "ENABLED", value: str | None = None) -> Generator[None]:
    """Let a secret's newest version be another for a while."""
    store = Path(facts()["google_store"])
    former = store.read_text()
    document = json.loads(former)
    versions = document["secrets"][f"projects/{facts()['secrets_project']}/secrets/{name}"]
    versions.append({"state": state, "value": value or versions[-1]["value"]})
    store.write_text(json.dumps(document))
    try:
        yield
    finally:
        store.write_text(former)
