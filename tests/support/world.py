"""The rehearsed world, as tests use it: facts, the application, the trigger, what serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
RUN_LIMIT_S = 300


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


def trigger(flow: str, *, environment: str = "rehearsal", **parameters: str) -> Run:
    """Start a deployment and wait for its end, as GitHub does."""
    pairs = [word for key, value in parameters.items() for word in ("--parameter", f"{key}={value}")]
    done = subprocess.run(
        [ROOT / "bin/trigger", flow, "--environment", environment, *pairs, "--json"],
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    if not done.stdout.strip():
        return Run(done.returncode, "NotStarted", done.stderr, "", {}, done.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    tasks = {task["name"]: task["state"] for task in told["tasks"]}
    return Run(
        done.returncode, told["state"], told["message"], told["flow_run_id"], tasks, done.stderr
    )


def commit(fault: str | None = None) -> str:
    """Make the application's next commit and return it."""
    from infra.rehearsal import app

    return app.commit(Path(facts()["app_repository"]), fault)


def health() -> dict[str, Any]:
    """Return the health body that the public address answers."""
    answer = httpx.get(f"{facts()['public_url']}/api/health", verify=facts()["ca_pem"], timeout=10)
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
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the project and return how it ended."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
