"""What a run came to, as values: exit status, machine-readable line, summary for people."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

COMPLETED = "COMPLETED"
_PREFECT_PREFIX = re.compile(r"\A(?:Flow|Task) run encountered an exception:? +(?:\w+: )?")


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """One task, named as in the UI.

    Attributes:
        name: Its name.
        state: Its state's name: `Completed`, `Skipped`, `Cached` and so on.
        start: When it started, ISO 8601, UTC; empty when it never did.
        end: When it ended; empty when it has not.
        seconds: How long it took; 0 when it never started.
    """

    name: str
    state: str
    start: str
    end: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A flow run as it was seen last.

    Attributes:
        flow_run_id: Its id.
        name: Its name.
        state: Its state's name.
        state_type: Its state's type; `COMPLETED` is the only good one.
        message: What it says of itself: true, left, next.
        url: Its page in the UI.
        tasks: Its tasks in the order in which they started.
        seconds: From its creation to its end, or to now.
    """

    flow_run_id: str
    name: str
    state: str
    state_type: str
    message: str
    url: str
    tasks: tuple[TaskOutcome, ...]
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Return whether the run did what it was asked for."""
        return self.state_type == COMPLETED


def plain_message(text: str | None) -> str:
    """Return a state's message without what Prefect writes before an error's own words.

    Example:
        >>> plain_message("Flow run encountered an exception: Refused: the disk is full")
        'the disk is full'
    """
    return _PREFECT_PREFIX.sub("", text or "").strip()


def order_tasks(tasks: list[TaskOutcome]) -> tuple[TaskOutcome, ...]:
    """Return tasks by their start; those that never started come last, by name."""
    return tuple(sorted(tasks, key=lambda task: (not task.start, task.start, task.name)))


def render_line(outcome: Outcome) -> str:
    """Return the outcome as one line of JSON."""
    fields = asdict(outcome)
    del fields["state_type"]
    return json.dumps(fields, ensure_ascii=False)


def render_summary(outcome: Outcome) -> str:
    """Return the outcome as markdown, for the summary of a CI job."""
    mark = "✅" if outcome.succeeded else "❌"
    rows = (
        f"| {_cell(task.name)} | {_cell(task.state)} | {task.seconds:.1f} |"
        for task in outcome.tasks
    )
    message = (
        ("```text", outcome.message.replace("```", "'''"), "```", "") if outcome.message else ()
    )
    return "\n".join(
        (
            f"### {mark} {_cell(outcome.name)}: {outcome.state}",
            "",
            *message,
            f"[The run in Prefect]({outcome.url}), {outcome.seconds:.0f} s",
            "",
            "| task | state | seconds |",
            "| --- | --- | ---: |",
            *rows,
            "",
        )
    )


def render_offered(choices: tuple[str, ...]) -> str:
    """Return the releases that can be gone back to as markdown, newest first; empty for none.

    Example:
        >>> print(render_offered(("7 c0ffee0 2026-11-25",)))
        <BLANKLINE>
        What can be gone back to, by its number or its commit:
        <BLANKLINE>
        - 7 c0ffee0 2026-11-25
        <BLANKLINE>
    """
    if not choices:
        return ""
    lines = (f"- {_cell(choice)}" for choice in choices)
    return "\n".join(("", "What can be gone back to, by its number or its commit:", "", *lines, ""))


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
