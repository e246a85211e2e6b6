"""Runs the application's own checks, side by side where they do not need each other."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from rollout.decide.quality import CheckResult, all_results, ready_checks
from rollout.errors import CommandTimedOut
from rollout.executors.process import run_local
from rollout.model.command import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rollout.config import Check
    from rollout.executors.process import Log
    from rollout.model.command import Secret

SIDE_BY_SIDE = 4
"""How many checks run at once."""
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


def run_checks(
    checks: tuple[Check, ...], run: Callable[[Check], CheckResult], side_by_side: int = SIDE_BY_SIDE
) -> tuple[CheckResult, ...]:
    """Run checks as soon as all that they need has passed.

    A failure stops nobody who does not need it: one run shows everything that is wrong.

    Args:
        checks: What to run.
        run: Runs one; called in threads.
        side_by_side: How many run at once.

    Returns:
        One result for every check, in their order.
    """
    results: dict[str, CheckResult] = {}
    running: dict[Future[CheckResult], str] = {}
    with ThreadPoolExecutor(side_by_side, thread_name_prefix="check") as pool:
        while True:
            for check in ready_checks(checks, results, frozenset(running.values())):
                running[pool.submit(run, check)] = check.name
            if not running:
                return all_results(checks, results)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            results |= {running.pop(future): future.result() for future in done}
