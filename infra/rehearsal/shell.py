"""Run other programs, and say what is true, what is left and what to do when one fails."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TAIL_LINES = 10


class RehearsalError(Exception):
    """Raised when the rehearsed world cannot be stood up, used or taken down."""

    def __init__(self, true: str, left: str, next_step: str) -> None:
        """Join the three parts of the message."""
        super().__init__(f"{true}. {left} {next_step}")


def tail(text: str) -> str:
    """Return the last lines of a program's output, or words that say there was none."""
    lines = text.strip().splitlines()[-TAIL_LINES:]
    return "\n  ".join(lines) if lines else "nothing written"


def run(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
) -> str:
    """Run a program to its end and return its standard output.

    Args:
        command: the words of the command.
        stdin: text given on standard input; None means an empty one.
        env: the whole environment; None means ours.
        timeout_s: seconds after which the program is killed.

    Raises:
        RehearsalError: it did not exit with 0, or not in time.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin or "",
            env=env,
            timeout=timeout_s,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise RehearsalError(
            f"`{command[0]}` did not end within {timeout_s:.0f} s",
            "It was killed; the rehearsal is as far as it got.",
            "Run the same command again, it takes up there.",
        ) from expired
    if done.returncode != 0:
        raise RehearsalError(
            f"`{' '.join(command)}` ended with {done.returncode}\n  {tail(done.stderr)}\n"
            f"  {tail(done.stdout)}\n",
            "The rehearsal is as far as it got.",
            "Repair what the lines above name and run the same command again.",
        )
    return done.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Return whether a program exits with 0; its output is dropped."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait_until(true: Callable[[], bool], what: str, *, timeout_s: float = 180) -> None:
    """Look every 50 ms until something holds.

    Raises:
        RehearsalError: it did not hold within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise RehearsalError(
                f"{what} did not happen within {timeout_s:.0f} s",
                "What was started is still there.",
                "Read the logs under .rehearsal/, or take it down with `bin/rehearse --down`.",
            )
        time.sleep(0.05)


def say(text: str) -> None:
    """Write a line for the person who watches; standard output stays free for `--json`."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how many seconds a phase took, when it has ended without an error."""
    begun = time.monotonic()
    yield
    say(f"  {what:<58} {time.monotonic() - begun:6.1f} s")
