"""The rehearsed world, as tests use it: facts, the application, the trigger, what serves."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.sorting import TaskRunSort
from prefect.states import AwaitingRetry

from infra.rehearsal import app, pipeline
from infra.rehearsal.app.editions import edition_of, with_edition
from infra.rehearsal.app.history import FAULT_TRAILER, Commit, migrates
from infra.rehearsal.app.migrations import add_migration
from infra.rehearsal.app.repository import Repository
from infra.rehearsal.app.tree import text_of, with_text
from infra.rehearsal.paths import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.schemas.objects import FlowRun, State, TaskRun

ROOT = Path(__file__).parents[2]
RUN_LIMIT_S = 600
_SERVER = "apps/web/src/server.js"


@cache
def facts() -> dict[str, Any]:
    """Return what `world.json` says."""
    return json.loads(Path(os.environ["REHEARSAL_WORLD"]).read_text())


@dataclass(frozen=True, slots=True)
class Run:
    """A finished flow run, as the trigger told it."""

    exit_code: int
    state: str
    message: str
    flow_run_id: str
    tasks: dict[str, str]
    log: str


def trigger(
    flow: str,
    *,
    dry_run: bool = False,
    hold: bool = False,
    accept: tuple[str, ...] = (),
    deployment: str = "rehearsal",
    **parameters: str,
) -> Run:
    """Start a deployment of the rehearsal and wait for its end, as GitHub does."""
    words = [f"--parameter={key}={value}" for key, value in parameters.items()]
    more = ({"accept": accept} if accept else {}) | ({"hold": True} if hold else {})
    words += ["--parameters", json.dumps(more), *(["--dry-run"] if dry_run else [])]
    return _follow([ROOT / "bin/trigger", flow, "--environment", deployment, *words, "--json"])


def _follow(command: list[Any]) -> Run:
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False)
    if not done.stdout.strip():
        return Run(done.returncode, "NotStarted", done.stderr, "", {}, done.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    return Run(
        exit_code=done.returncode,
        state=told["state"],
        message=told["message"],
        flow_run_id=told["flow_run_id"],
        tasks={task["name"]: task["state"] for task in told["tasks"]},
        log=done.stderr,
    )


def retry(flow_run_id: str) -> Run:
    """Click Retry on a failed run, as the UI does, and wait for its end."""
    with get_client(sync_client=True) as client:
        run_id = UUID(flow_run_id)
        client.set_flow_run_state(run_id, AwaitingRetry())
        deadline = time.monotonic() + RUN_LIMIT_S
        while not (state := _state(client.read_flow_run(run_id))).is_final():
            assert time.monotonic() < deadline, f"the retried run is still {state}"
            time.sleep(0.5)
    names = task_states(flow_run_id)
    return Run(0, state.name or "", state.message or "", flow_run_id, names, str(state))


def task_states(flow_run_id: str) -> dict[str, str]:
    """Return the state of each task of a run by name; the server hears of the last ones late."""
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run_id)])),
            sort=TaskRunSort.EXPECTED_START_TIME_ASC,
        )
    return {task.name: _state(task).name or "" for task in tasks}


def _state(run: FlowRun | TaskRun) -> State[Any]:
    assert run.state is not None
    return run.state


def rehearsal() -> Rehearsal:
    """Return the rehearsal that these tests run in."""
    return Rehearsal(facts()["name"])


def newest(key: str) -> str:
    """Return the newest version of an artifact, as the Artifacts page shows it."""
    with get_client(sync_client=True) as client:
        (found,) = client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        )
    return str(found.data)


@contextmanager
def configured(**settings: str) -> Generator[None]:
    """Let the rehearsal's environment file say something else for a while, as a person edits it.

    Only in this world: another one that runs beside it, from the same checkout, sees the file.

    Args:
        settings: Key to the text that stands for it meanwhile; one in small letters is written
            with underscores for its hyphens.
    """
    file = ROOT / "deployments/rehearsal.toml"
    text = file.read_text()
    for name, value in settings.items():
        key = re.escape(name if name.isupper() else name.replace("_", "-"))
        text, found = re.subn(rf'(?m)^({key} = )"[^"]*"', rf'\1"{value}"', text)
        assert found == 1, name
    with NamedTemporaryFile("w", suffix=".toml") as changed:
        changed.write(text)
        changed.flush()
        subprocess.run(["mount", "--bind", changed.name, file], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", file], check=True)


def restart_worker() -> None:
    """End the worker as systemd does, wait until it is gone, and start another."""
    pipeline.pipeline(rehearsal()).end("worker")
    pipeline.start_worker(rehearsal())


@contextmanager
def probing(url: str = "") -> Generator[Probe]:
    """Ask an address all the time, the public one if empty; what was seen is known afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Probe(Path(folder) / "probe.json")
        words = [sys.executable, "-m", "infra.rehearsal.probe", url or facts()["public_url"]]
        process = subprocess.Popen([*words, str(probe.file)], cwd=ROOT)
        try:
            yield probe
        finally:
            process.terminate()
            process.wait(timeout=120)
            probe.seen.update(json.loads(probe.file.read_text()))


@dataclass(frozen=True, slots=True)
class Probe:
    """What a prober counted, once it has ended."""

    file: Path
    seen: dict[str, Any] = field(default_factory=dict)

    def result(self) -> dict[str, Any]:
        """Return the prober's figures."""
        assert self.seen, "the prober still runs"
        return self.seen


def commit(fault: app.Fault | None = None) -> str:
    """Make the application's next commit and return it."""
    return app.commit(Path(facts()["app_repository"]), fault)


def commit_that(*, brings_migration: bool) -> str:
    """Make the application's next commits up to one that does, or does not, bring a migration."""
    repository = Repository(Path(facts()["app_repository"]))
    version = commit()
    while migrates(edition_of(repository.read(repository.require_head()))) != brings_migration:
        version = commit()
    return version


def commit_with(name: str, *statements: str) -> str:
    """Make a commit that brings a migration, and that no later one starts from; return it."""
    repository = Repository(Path(facts()["app_repository"]))
    head = repository.require_head()
    edition = edition_of(repository.read(head)) + 1
    tree = with_edition(repository.read(repository.last_sound(head)), edition)
    tree = add_migration(tree, name, statements, lambda snapshot: snapshot)
    message = f"Publish edition {edition}\n\n{FAULT_TRAILER}: {name}"
    return repository.commit(Commit(message, tree), onto=head)


def commit_that_prints(variable: str) -> str:
    """Make a commit whose server dies at its start and prints what a variable holds; return it.

    No later one starts from it.
    """
    repository = Repository(Path(facts()["app_repository"]))
    head = repository.require_head()
    edition = edition_of(repository.read(head)) + 1
    tree = with_edition(repository.read(repository.last_sound(head)), edition)
    # What is no address is told by Node with the text itself.
    dies = f"{text_of(tree, _SERVER)}\nnew URL(process.env.{variable});\n"
    message = f"Publish edition {edition}\n\n{FAULT_TRAILER}: prints {variable}"
    return repository.commit(Commit(message, with_text(tree, _SERVER, dies)), onto=head)


def trust() -> ssl.SSLContext:
    """Return what a client inside trusts: the machine's authorities and the rehearsal's."""
    return ssl.create_default_context(cafile=facts()["ca_pem"])


def health() -> dict[str, Any]:
    """Return the health body that the public address answers."""
    answer = httpx.get(f"{facts()['public_url']}/api/health", verify=trust(), timeout=10)
    return {"http": answer.status_code, "release": answer.headers.get("x-release"), **answer.json()}


def serving_version() -> str:
    """Return the version that answers from outside right now."""
    return health()["version"]


def on_host(words: str) -> str:
    """Run a shell line on the host with plain OpenSSH and return what it wrote."""
    world = facts()
    known = Path(os.environ["REHEARSAL_WORLD"]).parent / "known_hosts.tests"
    known.write_text(f"{world['host_address']} {world['host_key']}\n")
    return subprocess.run(
        ["ssh", "-i", world["deploy_key"], "-o", f"UserKnownHostsFile={known}",
         "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
         f"{world['host_user']}@{world['host_address']}", words],
        capture_output=True, text=True, check=True, timeout=180,
    ).stdout  # fmt: skip


def tool(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the programs in `bin/` and return how it ended."""
    return subprocess.run(
        [ROOT / "bin" / name, *words], capture_output=True, text=True, check=False
    )


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the project and return how it ended."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
