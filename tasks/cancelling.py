"""Cancelling: it ends a run that has changed nothing, and comes too late for any other.

In Prefect a cancel is the state `Cancelling`, a SIGTERM for the run's process by its worker, and
SIGKILL 30 s later. `until_first_change` lets the SIGTERM end the run with all that it has started;
from `from_first_change_on` on, it is answered instead, and the run goes on to its own end.

The point between the two is a label of the run. It is written before the state is read here, and
read after the state was changed by the worker (`infra/prefect/cancellation.py`): whenever a cancel
comes, at least one of the two sees it in time.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect import get_client, get_run_logger
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException, TerminationSignal
from prefect.states import Running

from rollout.errors import CancelAsked
from rollout.executors.process import end_all

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient

CHANGES_BY = "trovella.changes-target-by-pid"
"""The label of a run that no longer ends at a cancel; its value is the pid of its process."""
TOO_LATE = "cancel asked: the target is being changed; the run finishes this first"


@contextmanager
def until_first_change() -> Generator[None]:
    """Let a run that is told to stop end at once, with every program that it runs here."""
    try:
        yield
    except TerminationSignal:
        # What is left to do is to clean up: a second cancel shall not end that half-way.
        signal.signal(signal.SIGTERM, _deaf)
        end_all()
        raise


@contextmanager
def from_first_change_on() -> Generator[Change]:
    """Let the run go on to its end, whoever tells it to stop; SIGKILL alone ends it.

    SIGTERM stays without effect until Prefect's engine has reported how the run ended, and then
    puts back what was there before.

    Raises:
        CancelAsked: When a cancel was asked before; nothing was changed then.
    """
    change = Change(_run_id())
    signal.signal(signal.SIGTERM, change.hear)
    change.announce()
    try:
        yield change
    finally:
        change.end()


class Change:
    """The part of a run that changes the target; it answers whoever tells the run to stop."""

    def __init__(self, run_id: UUID) -> None:
        self._run_id = run_id
        self._log = get_run_logger()
        self._cancelled = False
        # `put` of this kind of queue may be called by a signal handler at any point.
        self._told: SimpleQueue[int | None] = SimpleQueue()
        self._thread = Thread(target=self._answer, daemon=True)

    def announce(self) -> None:
        """Write down that a cancel comes too late from here on; see that none came before."""
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(self._run_id, {CHANGES_BY: os.getpid()})
            cancelling = _is_cancelling(client, self._run_id)
        if cancelling:
            raise CancelAsked(
                "the run was cancelled", next_step="Start it again if it is still wanted."
            )
        self._thread.start()

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal; a handler must not do more, because it interrupts anything."""
        self._told.put(number)

    def end(self) -> None:
        """Answer for the last time: a run that is `Cancelling` may not become anything else."""
        self._told.put(None)
        self._thread.join()
        self._heed(told=False)

    def account(self, serving: str) -> str:
        """Return the sentence that says what serves, with what became of a cancel."""
        too_late = " (a cancel came too late: the target was being changed)"
        return serving + too_late if self._cancelled else serving

    def _answer(self) -> None:
        while self._told.get() is not None:
            self._heed(told=True)

    def _heed(self, *, told: bool) -> None:
        """Answer a cancel; what goes wrong with that is no reason to end the change."""
        try:
            if self._is_cancelling():
                self._go_on()
            elif told and not self._cancelled:
                self._log.warning("told to stop (SIGTERM): the run finishes its change first")
        except (HTTPError, PrefectException):
            self._log.exception("a cancel could not be answered; the run goes on")

    def _is_cancelling(self) -> bool:
        with get_client(sync_client=True) as client:
            return _is_cancelling(client, self._run_id)

    def _go_on(self) -> None:
        """Say in the log and on the run's state that it goes on."""
        self._cancelled = True
        self._log.warning(TOO_LATE)
        with get_client(sync_client=True) as client:
            going_on = Running(name="Finishing", message=TOO_LATE)
            client.set_flow_run_state(self._run_id, going_on, force=True)


def _is_cancelling(client: SyncPrefectClient, run_id: UUID) -> bool:
    state = client.read_flow_run(run_id).state
    # The server calls a run cancelled that no worker has ended within five minutes.
    return state is not None and (state.is_cancelling() or state.is_cancelled())


def _deaf(_number: int, _frame: FrameType | None) -> None:
    """Hear nothing; unlike `SIG_IGN`, this is not inherited by the programs that are started."""


def _run_id() -> UUID:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("only a flow run can be cancelled")
    return context.flow_run.id
