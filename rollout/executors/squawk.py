"""Asks squawk, where it is installed, what it says of pending migrations.

It is asked for the report only. So whatever keeps it from answering is one line in the log.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.errors import CommandTimedOut
from rollout.executors.clock import monotonic_s
from rollout.executors.process import run_local
from rollout.migrations.second_opinion import Opinion, parse_opinions
from rollout.migrations.segments import plan_segments
from rollout.model.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.executors.process import Log
    from rollout.migrations.journal import Migration

LIMIT_S = 20.0
"""How long squawk may take for all files together, in seconds."""
_VERSION = "15"
# Nothing said and something said; any other exit status is a failure.
_ANSWERS = (0, 1)


def find_squawk() -> str | None:
    """Return the path of squawk, beside this Python or on PATH; None when it is not installed."""
    beside = Path(sys.executable).parent / "squawk"
    return str(beside) if beside.exists() else shutil.which("squawk")


def second_opinions(
    pending: Iterable[Migration],
    warn: Log,
    program: str | None = None,
    limit_s: float = LIMIT_S,
) -> tuple[Opinion, ...] | None:
    """Return what squawk says of migrations; None when it is not installed or gave no answer.

    Args:
        pending: The migrations.
        warn: Called with the one line that says why there is no answer.
        program: Path of squawk; None looks for it.
        limit_s: How long it may take for all files together, in seconds.
    """
    found = program or find_squawk()
    if found is None:
        return None
    until_s = monotonic_s() + limit_s
    said: list[Opinion] = []
    try:
        for file in pending:
            said += _asked(found, file, max(until_s - monotonic_s(), 0.01))
    except (CommandTimedOut, OSError, ValueError) as error:
        told = str(error).partition("\n")[0]
        warn(f"squawk gave no second opinion, which nothing depends on: {told}")
        return None
    return tuple(said)


def _asked(program: str, file: Migration, timeout_s: float) -> tuple[Opinion, ...]:
    words = ["--reporter", "json", "--stdin-filepath", file.file, "--pg-version", _VERSION]
    # A file in several segments is not one transaction, and squawk must not think so.
    if [segment.mode for segment in plan_segments(file)] == ["transaction"]:
        words.append("--assume-in-transaction")
    # The folder keeps a `.squawk.toml` of somebody's from having a say.
    result = run_local(
        Command((program, *words), stdin=file.text, timeout_s=timeout_s, changes=False),
        cwd=Path("/"),
        env={},
        log=lambda _: None,
    )
    if result.exit_code not in _ANSWERS:
        raise ValueError(f"exit status {result.exit_code}")
    return parse_opinions(file.file, result.stdout)
