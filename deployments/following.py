"""A run that is followed from elsewhere: its states, its log line by line, and what it came to."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterTimestamp,
)
from prefect.exceptions import PrefectHTTPStatusError
from prefect.utilities.urls import url_for

from deployments.outcome import Outcome, TaskOutcome, order_tasks, plain_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, Log, TaskRun

T = TypeVar("T")

POLL_S = 0.5
PAGE = 200
SERVER_ERROR = 500
LATE_LINES = timedelta(seconds=30)
"""So much later than a newer line may one reach the server: lines travel in batches."""
SETTLE_S = 10.0
"""The server writes task runs behind the flow's own state, every few seconds."""
HINTS = {
    "Late": "no worker has taken it yet; docs/recover.md, The worker died, says where to start it",
    "AwaitingConcurrencySlot": "another run of this deployment goes first",
}


class ApiGone(Exception):
    """Raised when the API did not answer for as long as we were ready to wait."""


class Patience:
    """Asks again, ever more slowly, while the API cannot be reached or is itself in trouble.

    Args:
        say: Where a line goes when the API is not reached.
        limit_s: How long one question may stay unanswered, in seconds.
    """

    def __init__(self, say: Callable[[str], None], limit_s: float) -> None:
        self._say = say
        self._limit_s = limit_s

    def ask(self, question: Callable[[], T]) -> T:
        """Return the answer.

        Raises:
            ApiGone: When there was none within the limit.
            PrefectHTTPStatusError: When the API refuses the question as such.
        """
        started, delay_s = time.monotonic(), 1.0
        while True:
            try:
                return question()
            except (httpx.TransportError, PrefectHTTPStatusError) as error:
                if not _passes(error):
                    raise
                if time.monotonic() - started + delay_s > self._limit_s:
                    raise ApiGone(str(error) or type(error).__name__) from error
                self._say(
                    f"the API does not answer ({_name(error)}); asking again in {delay_s:.0f} s"
                )
                time.sleep(delay_s)
                delay_s = min(delay_s * 2, 30.0)


class Follower:
    """Follows one flow run.

    Args:
        client: An open client.
        patience: How questions are asked.
        run_id: The run's id.
        say: Where log lines and states go.
    """

    def __init__(
        self,
        client: SyncPrefectClient,
        patience: Patience,
        run_id: UUID,
        say: Callable[[str], None],
    ) -> None:
        self._client = client
        self._ask = patience.ask
        self._id = run_id
        self._say = say
        self._told: set[UUID] = set()
        self._newest: datetime | None = None
        self._state = ""
        self._task_names: dict[UUID, str] = {}

    def follow(self, timeout_s: float) -> FlowRun:
        """Tell states and lines until the run has ended.

        Returns:
            The run as it was seen last; its state is not final when the time was over first.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            run = self._ask(lambda: self._client.read_flow_run(self._id))
            self._tell_state(run)
            self._tell_lines()
            if _ended(run) or time.monotonic() > deadline:
                return run
            time.sleep(POLL_S)

    def outcome(self) -> Outcome:
        """Return what the run came to, when the server has written down all of it."""
        deadline = time.monotonic() + SETTLE_S
        quiet = False
        while True:
            run = self._ask(lambda: self._client.read_flow_run(self._id))
            tasks = self._ask(self._read_tasks)
            told = self._tell_lines()
            settled = not _ended(run) or all(_written(task) for task in tasks)
            if (quiet and settled and not told) or time.monotonic() > deadline:
                return _outcome(run, tasks)
            quiet = not told
            time.sleep(POLL_S)

    def _read_tasks(self) -> list[TaskRun]:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[self._id]))
        return self._client.read_task_runs(flow_run_filter=wanted, limit=PAGE)

    def _tell_state(self, run: FlowRun) -> None:
        name = run.state.name if run.state else ""
        if name and name != self._state:
            self._state = name
            hint = HINTS.get(name or "", "")
            self._say(f"{run.name}: {name}{': ' if hint else ''}{hint}")

    def _tell_lines(self) -> int:
        """Tell the lines that were not told before; return how many these were."""
        fresh = [line for line in self._read_lines() if line.id not in self._told]
        self._learn_names(fresh)
        for line in fresh:
            self._say(f"{line.timestamp:%H:%M:%S} {self._whose(line)}{line.message}")
            self._told.add(line.id)
        if fresh:
            self._newest = fresh[-1].timestamp
        return len(fresh)

    def _learn_names(self, lines: list[Log]) -> None:
        """Ask for the tasks' names when a line is of one that is not known yet."""
        owners = {line.task_run_id for line in lines if line.task_run_id}
        if owners - self._task_names.keys():
            self._task_names |= {task.id: task.name for task in self._ask(self._read_tasks)}

    def _whose(self, line: Log) -> str:
        """Return whose line it is; empty for the flow's own, or a task not written down yet."""
        name = self._task_names.get(line.task_run_id) if line.task_run_id else None
        return f"[{name}] " if name else ""

    def _read_lines(self) -> list[Log]:
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[self._id]))
        if self._newest:
            wanted.timestamp = LogFilterTimestamp.model_validate(
                {"after_": self._newest - LATE_LINES}
            )
        lines: list[Log] = []
        while len(lines) % PAGE == 0:
            page = self._ask(partial(self._client.read_logs, wanted, PAGE, len(lines)))
            lines += page
            if not page:
                break
        return lines


def _outcome(run: FlowRun, tasks: list[TaskRun]) -> Outcome:
    state = run.state
    ended = run.end_time or datetime.now(UTC)
    return Outcome(
        flow_run_id=str(run.id),
        name=run.name,
        state=(state.name if state else None) or "Unknown",
        state_type=state.type.value if state else "",
        message=plain_message(state.message if state else ""),
        url=run_url(run),
        tasks=order_tasks([_task(task) for task in tasks]),
        seconds=round((ended - run.created).total_seconds(), 3) if run.created else 0.0,
    )


def _task(task: TaskRun) -> TaskOutcome:
    start, end = task.start_time, task.end_time
    return TaskOutcome(
        name=task.name,
        state=task.state_name or "",
        start=start.isoformat() if start else "",
        end=end.isoformat() if end else "",
        seconds=round((end - start).total_seconds(), 3) if start and end else 0.0,
    )


def run_url(run: FlowRun) -> str:
    """Return the run's page in the UI; `PREFECT_UI_URL` says where the UI is."""
    return url_for("flow-run", obj_id=run.id) or ""


def _ended(run: FlowRun) -> bool:
    return bool(run.state and run.state.is_final())


def _written(task: TaskRun) -> bool:
    """Return whether the task's last state is there; one that never began has none to come."""
    return bool(task.state and (task.state.is_final() or task.state.is_pending()))


def _passes(error: Exception) -> bool:
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= SERVER_ERROR
    return True


def _name(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
