"""Prefect as infra/prefect/compose.yml has it: it deploys, drains, keeps its login, is restored."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.rehearsal import operations
from infra.rehearsal.facts import OPERATIONS_API
from infra.rehearsal.pipeline import in_compose
from infra.rehearsal.shell import RehearsalError, wait_until
from tests.support.world import ROOT, commit, python, rehearsal, serving_version, trust

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from infra.rehearsal.machines import Machine

pytestmark = pytest.mark.rehearsal

END_LIMIT_S = 600


@pytest.fixture(scope="module")
def machine() -> Generator[Machine]:
    """The operations machine, and this process and its children as clients of its server."""
    with ExitStack() as left:
        # A world whose runs go through it keeps it.
        if not in_compose(rehearsal()):
            operations.operations(rehearsal()).remove()
            left.callback(operations.operations(rehearsal()).remove)
        made = operations.stand_up(rehearsal())
        patch = left.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PREFECT_API_URL", OPERATIONS_API)
        patch.setenv("PREFECT_API_AUTH_STRING", operations.login(made))
        told = python("-m", "deployments.register", "--environment", "rehearsal")
        assert told.returncode == 0, told.stderr
        yield made


def ask(path: str, *, login: str = "") -> httpx.Response:
    """Ask the API over its public name, with no cookie and no token."""
    words = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    headers = words if login else {}
    return httpx.get(f"{OPERATIONS_API}{path}", headers=headers, verify=trust(), timeout=30)


def shown_secrets(machine: Machine) -> list[str]:
    """Return the names of the secrets that a process list or an inspected container shows."""
    shown = machine.run("sh", "-c", "ps -eo args; docker inspect $(docker ps --all --quiet)")
    names = machine.run("ls", operations.SECRETS).split()
    values = {name: machine.run("cat", f"{operations.SECRETS}/{name}").strip() for name in names}
    assert len(values) == 5
    assert all(values.values())
    return [name for name, value in values.items() if value in shown]


@pytest.mark.usefixtures("machine")
def test_only_who_has_the_login_gets_in():
    login = os.environ["PREFECT_API_AUTH_STRING"]
    assert ask("/health").status_code == 200
    assert ask("/admin/version").status_code == 401
    assert ask("/admin/version", login=login).status_code == 200
    # Nor is it there in clear: the name on port 80 only leads to the one with TLS.
    assert httpx.get(OPERATIONS_API.replace("https", "http")).status_code == 308


def lose_and_begin_anew(machine: Machine) -> None:
    """Lose every volume and start, until it was seen that there is nothing to be dumped."""
    operations.lose(machine)
    operations.compose(machine, "up --detach --wait backup")
    said = lambda: operations.compose(machine, "logs backup")  # noqa: E731
    wait_until(lambda: "the database has no run yet" in said(), "the first look at the database")


def test_a_deploy_goes_through_it_while_it_stops_and_is_known_after_a_restore(
    machine: Machine, tmp_path: Path
):
    version = commit()
    words = (ROOT / "bin/trigger", "deploy", "--environment", "rehearsal", "--commit", version)
    log = tmp_path / "log"
    with (
        log.open("w") as out,
        subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, stderr=out, text=True)
        as deploying,
    ):  # fmt: skip
        wait_until(lambda: ": Running" in log.read_text(), "the deploy to start")
        operations.compose(machine, "stop worker")
        state = "ps --all worker --format '{{.State}} {{.ExitCode}}'"
        assert operations.compose(machine, state).split() == ["exited", "0"]
        told = deploying.communicate(timeout=END_LIMIT_S)[0]
    assert deploying.returncode == 0, log.read_text()
    assert serving_version() == version
    run = json.loads(told.splitlines()[-1])["flow_run_id"]

    backup = operations.back_up(machine)
    lose_and_begin_anew(machine)
    assert machine.run("sh", "-c", f"ls -t {operations.BACKUPS}/*.dump").split()[0] == backup
    operations.grow(machine)
    operations.restore(machine, backup)
    running = operations.compose(machine, "ps --format '{{.Service}}'").split()
    assert running.count("server") == running.count("worker") == 2
    # Without the key, or without the blocks, nothing could look at the host.
    inside = "exec -T worker infra/prefect/with-secrets bin/trigger"
    operations.compose(machine, f"{inside} verify --environment rehearsal")
    known = ask(f"/flow_runs/{run}", login=os.environ["PREFECT_API_AUTH_STRING"]).json()
    assert known["state"]["type"] == "COMPLETED"
    assert version[:12] in known["state"]["message"]
    assert shown_secrets(machine) == []


def test_a_backup_that_cannot_be_read_changes_nothing(machine: Machine):
    broken = f"{operations.BACKUPS}/broken.dump"
    machine.run("sh", "-c", f"head -c 500 $(ls -t {operations.BACKUPS}/*.dump | head -1) >{broken}")
    started = ("docker", "inspect", "--format", "{{.State.StartedAt}}", "prefect-server-1")
    since = machine.run(*started)

    with pytest.raises(RehearsalError):
        operations.restore(machine, broken)

    assert ask("/health").status_code == 200
    assert machine.run(*started) == since


def test_a_secret_that_cannot_be_read_keeps_a_program_from_starting(machine: Machine):
    secret = f"{operations.SECRETS}/prefect-database"
    machine.run("chmod", "600", secret)
    try:
        with pytest.raises(RehearsalError, match="the secret prefect-database cannot be read"):
            operations.compose(machine, "run --rm --no-deps server true")
    finally:
        machine.run("chmod", "444", secret)


def test_a_server_without_its_database_is_not_waited_for_by_a_rollback(machine: Machine):
    asks = "import sys; from deployments.rollback import server_answers; sys.exit(server_answers())"
    answering = python("-c", asks)
    operations.compose(machine, "stop database")
    try:
        away = python("-c", asks)
    finally:
        operations.compose(machine, "up --detach --wait")

    assert (answering.returncode, answering.stderr) == (1, "")
    assert away.returncode == 0
    assert "does not answer: " in away.stderr
