"""The trigger is the run's mirror, and the workflows' own shell steps are what is run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.orchestration.prefect_server import ROOT, Server, free_port, wait_until, working
from tests.orchestration.sample_flows import FAULTY

if TYPE_CHECKING:
    from collections.abc import Generator

GOOD = "1234567"  # a number, if anything read it as JSON


@pytest.fixture(scope="module")
def taken(deployments: Server) -> Generator[Server]:
    """A server whose runs are taken by a worker."""
    with working(deployments):
        yield deployments


def _trigger(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bin/trigger", *words],
        env=server.environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def _step(workflow: str, name: str) -> dict[str, Any]:
    """Return the step of that name as the workflow's file has it."""
    document = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())
    (job,) = document["jobs"].values()
    (step,) = [step for step in job["steps"] if step.get("name") == name]
    return step


def _run_step(
    step: dict[str, Any], given: dict[str, str], server: Server, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a step's shell as GitHub does, its expressions replaced by what they stand for."""
    files = {"GITHUB_STEP_SUMMARY": folder / "summary.md", "GITHUB_OUTPUT": folder / "output"}
    asked = {name: given.get(expression, "") for name, expression in step["env"].items()}
    asked["PREFECT_API_URL"] = server.url
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=server.environment | asked | {name: str(path) for name, path in files.items()},
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_the_deploy_step_ends_as_its_run_ends(taken: Server, tmp_path: Path):
    step = _step("deploy.yml", "Deploy the commit")
    given = {
        "${{ inputs.commit || github.sha }}": GOOD,
        "${{ inputs.environment || 'production' }}": "production",
        "${{ inputs.accept }}": "drop-column, * $(touch /tmp/never)",
        "${{ inputs.dry_run }}": "true",
        "${{ github.actor }}": "ada",
        "${{ github.run_attempt }}": "1",
    }

    done = _run_step(step, given, taken, tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"looking at {GOOD}" in done.stderr
    assert "accepting drop-column|*|$(touch|/tmp/never), dry run: True" in done.stderr
    assert "### ✅ deploy 1234567 to production: Completed" in (tmp_path / "summary.md").read_text()
    url = (tmp_path / "output").read_text().removeprefix("run_url=").strip()
    assert url.startswith(taken.url.removesuffix("/api"))
    run = taken.client.read_flow_run(url.rsplit("/", 1)[1])
    assert run.parameters["commit"] == GOOD
    assert run.parameters["actor"] == "ada"

    again = _run_step(step, given, taken, tmp_path)

    assert again.returncode == 0
    assert (tmp_path / "output").read_text() == f"run_url={url}\n" * 2


def test_the_deploy_step_fails_with_the_runs_own_words(taken: Server, tmp_path: Path):
    step = _step("deploy.yml", "Deploy the commit")
    given = {
        "${{ inputs.commit || github.sha }}": FAULTY,
        "${{ inputs.environment || 'production' }}": "production",
    }

    done = _run_step(step, given, taken, tmp_path)

    assert done.returncode == 1
    told = (
        "version 1 answers, not 2\n"
        "left: Release 1 is still serving.\n"
        "next: Read the log above and deploy again."
    )
    assert done.stderr.rstrip().endswith(told)
    summary = (tmp_path / "summary.md").read_text()
    assert f"### ❌ deploy {FAULTY} to production: Failed" in summary
    assert told in summary
    assert "| verify | Failed |" in summary


def test_the_rollback_step_passes_its_inputs_as_text(taken: Server, tmp_path: Path):
    reason = """it's "$(touch /tmp/never)" `broken`; rm -rf *"""
    given = {
        "${{ inputs.environment || 'production' }}": "production",
        "${{ inputs.strategy }}": "corrective",
        "${{ inputs.to }}": "0e12345",
        "${{ inputs.reason }}": reason,
        "${{ inputs.accept }}": "no-contract, * $(touch /tmp/never)",
        "${{ inputs.dry_run }}": "true",
        "${{ github.run_attempt }}": "1",
    }

    done = _run_step(_step("rollback.yml", "Roll back"), given, taken, tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"rolling back because {reason}" in done.stderr
    accepted = "no-contract|*|$(touch|/tmp/never)"
    assert f"by corrective, accepting {accepted}, dry run: True" in done.stderr
    assert not Path("/tmp/never").exists()


def test_the_rollback_steps_summary_has_the_three_parts(taken: Server, tmp_path: Path):
    given = {
        "${{ inputs.environment || 'production' }}": "production",
        "${{ inputs.strategy }}": "auto",
        "${{ inputs.to }}": FAULTY,
        "${{ inputs.reason }}": "a test",
        "${{ inputs.dry_run }}": "false",
        "${{ github.run_attempt }}": "2",
    }

    done = _run_step(_step("rollback.yml", "Roll back"), given, taken, tmp_path)

    assert done.returncode == 1
    told = "version 1 answers, not 2\nleft: Release 1 is still serving.\nnext: Read the log"
    assert told in (tmp_path / "summary.md").read_text()


def test_the_outcome_is_one_line_of_json(taken: Server):
    done = _trigger(taken, "deploy", "--environment", "production", "--commit", "7", "--json")

    outcome = json.loads(done.stdout)
    assert set(outcome) == {
        "flow_run_id", "name", "state", "message", "url", "tasks", "seconds",
    }  # fmt: skip
    assert (outcome["name"], outcome["state"]) == ("deploy 7 to production", "Completed")
    assert [task["name"] for task in outcome["tasks"]] == ["quality", "wait", "verify"]
    lines = [line for line in done.stderr.splitlines() if "looking at 7" in line]
    assert len(lines) == 1


def test_who_stops_watching_leaves_the_run_alone(taken: Server, tmp_path: Path):
    gate = tmp_path / "open"
    words = ("deploy", "--environment", "production", "--commit", "8", "--reason", str(gate))
    # In the background, a shell lets the tests and their children ignore the signal.
    heeding = ("env", "--default-signal=INT")
    watcher = subprocess.Popen(
        [*heeding, ROOT / "bin/trigger", *words],
        env=taken.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watcher.stderr is not None
    # A busy server's 503 is told first, and asked again.
    run_id = next(line for line in watcher.stderr if "/flow-run/" in line).rsplit("/", 1)[1].strip()
    wait_until(lambda: taken.run_state(run_id) == "Running", "the run to start")

    watcher.send_signal(signal.SIGINT)

    assert watcher.wait(timeout=120) == 130
    assert "left: The run goes on" in watcher.stderr.read()
    assert taken.run_state(run_id) == "Running"
    gate.touch()
    wait_until(lambda: taken.run_state(run_id) == "Completed", "the run to end")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("deploy", "--environment", "nowhere", "--commit", "1"),
            "deploy/nowhere: is not registered; "
            "`python -m deployments.register --environment nowhere` does it",
        ),
        (
            ("deploy", "--environment", "production", "--parameters", '{"commit": 1}'),
            "parameters of deploy/production: Error creating flow run: Validation failed",
        ),
        (
            ("deploy", "--environment", "production", "--commit", "1", "--timeout-s", "0"),
            " after 0 s\nleft: The run goes on: http://127.0.0.1:",
        ),
    ],
)
def test_an_order_that_cannot_be_kept_says_so(taken: Server, words: tuple[str, ...], told: str):
    done = _trigger(taken, *words)

    assert done.returncode == 1
    assert told in done.stderr
    assert "\nleft: " in done.stderr
    assert "\nnext: " in done.stderr


def test_an_api_that_is_gone_is_asked_again(taken: Server):
    """A port where nobody listens: the trigger waits and says so, until it is told to stop."""
    nowhere = taken.environment | {"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    words = ("verify", "--environment", "production")
    watcher = subprocess.Popen(
        [ROOT / "bin/trigger", *words], env=nowhere, stderr=subprocess.PIPE, text=True
    )
    assert watcher.stderr is not None
    first = watcher.stderr.readline()
    os.kill(watcher.pid, signal.SIGTERM)

    assert "the API does not answer" in first
    assert watcher.wait(timeout=120) == 130
    watcher.stderr.close()
