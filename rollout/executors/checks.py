"""Runs the application's own checks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rollout.decide.quality import CheckResult
from rollout.errors import CommandTimedOut
from rollout.executors.process import run_local
from rollout.model.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rollout.config import Check
    from rollout.executors.process import Log
    from rollout.model.command import Secret

_TAIL_LINES = 40


def run_check(check: Check, *, cwd: Path, env: Mapping[str, str | Secret], log: Log) -> CheckResult:
    """Run one check and return what became of it; never raises for a check that does not pass.

    Args:
        check: The check.
        cwd: The checkout.
        env: Its variables.
        log: Called with each line that it writes, after the check's name.
    """
    command = Command(check.run, timeout_s=check.timeout_s)
    lines: list[str] = []

    def tell(line: str) -> None:
        log(f"{check.name} | {line}")
        lines.append(line)
        del lines[:-_TAIL_LINES]

    started = time.monotonic()
    try:
        result = run_local(command, cwd=cwd, env=env, log=tell)
        state = "passed" if result.ok else "failed"
        ending = "" if result.ok else f"ended with exit status {result.exit_code}"
    except CommandTimedOut:
        state, ending = "timed out", f"did not end within {check.timeout_s:g} s and was stopped"
    tail = "\n".join([*lines, *filter(None, [ending])])
    return CheckResult(check.name, state, time.monotonic() - started, tail)
