"""The workflows hold what GitHub understands, and nothing that a stranger could use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from rollout.model.activation import Strategy

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TOOLS = Path(sys.executable).parent


def test_all_three_are_there():
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "deploy.yml", "rollback.yml"]


@pytest.mark.parametrize(
    "command",
    [
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
        ("zizmor", "--offline", "--no-progress", "--persona", "auditor"),
    ],
    ids=lambda command: command[0],
)
def test_the_checkers_find_nothing(command: tuple[str, ...]):
    program, *options = command
    done = subprocess.run(
        [TOOLS / program, *options, *WORKFLOWS], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_no_expression_reaches_a_shell(path: Path):
    document = yaml.safe_load(path.read_text())
    steps = [step for job in document["jobs"].values() for step in job["steps"]]

    for step in steps:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])


def test_the_rollbacks_form_asks_for_what_its_flow_takes():
    # YAML 1.1 reads the key `on` as true.
    form = yaml.safe_load((ROOT / ".github/workflows/rollback.yml").read_text())[True]
    inputs = form["workflow_dispatch"]["inputs"]

    assert inputs.keys() == {"strategy", "to", "reason", "dry_run", "accept"}
    called = form["workflow_call"]["inputs"]
    assert called.keys() == inputs.keys() | {"environment", "repository", "ref"}
    assert called["reason"]["required"]
    assert inputs["strategy"]["options"] == list(get_args(Strategy))
    assert inputs["reason"]["required"]


@pytest.mark.parametrize("name", ["deploy.yml", "rollback.yml"])
def test_what_changes_production_is_not_cancelled_and_asks_for_little(name: str):
    document = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    (job,) = document["jobs"].values()

    assert document["concurrency"]["cancel-in-progress"] is False
    assert document["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "id-token": "write"}


@pytest.mark.parametrize("name", ["deploy.yml", "rollback.yml"])
def test_google_is_asked_only_where_the_login_lies_there(name: str):
    (job,) = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())["jobs"].values()
    (login,) = [
        step for step in job["steps"] if "google-github-actions/auth" in step.get("uses", "")
    ]

    assert login["if"] == "vars.PREFECT_AUTH_SECRET != ''"


@pytest.mark.parametrize("name", ["deploy.yml", "rollback.yml"])
def test_what_runs_with_this_identity_is_named_by_a_commit(name: str):
    """Without a `ref` only the workflow's own repository is left, at the commit that was pushed."""
    (job,) = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())["jobs"].values()
    checkout = job["steps"][0]["with"]

    assert checkout["repository"] == "${{ inputs.repository || github.repository }}"
    assert checkout["ref"] == "${{ inputs.ref }}"


@pytest.mark.parametrize("name", ["deploy.yml", "rollback.yml"])
def test_who_calls_says_what_to_check_out_and_finds_each_input_described(name: str):
    called = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())[True]["workflow_call"]
    page = (ROOT / "docs/deploy.md").read_text()

    for one in ("repository", "ref"):
        assert called["inputs"][one]["required"]
    for one, said in {**called["inputs"], **called["secrets"], **called["outputs"]}.items():
        assert said["description"]
        assert f"`{one}`" in page
    assert not any(secret["required"] for secret in called["secrets"].values())
