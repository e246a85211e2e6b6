"""Every script that a host runs is plain shell that shellcheck has nothing to say about."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rollout.commands import (
    batch,
    compose,
    contracts,
    evidence,
    host,
    kept,
    lease,
    logs,
    machine,
    release,
)

SCRIPTS = {
    f"{module.__name__}.{name}": text
    for module in (batch, compose, contracts, evidence, host, kept, lease, logs, machine, release)
    for name, text in vars(module).items()
    if isinstance(text, str) and text.startswith("# ")
}
BASH = {
    "rollout.commands.batch._BATCH",
    "rollout.commands.compose._EVIDENCE",
    "rollout.commands.compose._SAYS_VERSION",
    "rollout.commands.evidence._LOOK",
    "rollout.commands.kept._WAIT",
    "rollout.commands.lease._TAKE",
    "rollout.commands.logs._READ",
}
SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def test_the_scripts_were_found():
    assert len(SCRIPTS) == 33


def test_the_scripts_are_clean(tmp_path: Path):
    for name, text in SCRIPTS.items():
        # They are run by `sh -eu` or `bash -u`, which the first line says to shellcheck.
        shell = "bash -u" if name in BASH else "sh -eu"
        (tmp_path / name).write_text(f"#!/bin/{shell}\n{text}")

    done = subprocess.run(
        [SHELLCHECK, *sorted(SCRIPTS)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_script_says_in_its_first_line_what_it_does(name: str):
    first = SCRIPTS[name].splitlines()[0]

    assert len(first) < 80
    assert first.startswith("# ")
