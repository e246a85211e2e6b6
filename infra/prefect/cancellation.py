"""How the worker cancels: Prefect's way, except for a run that is past its first change.

Prefect's worker kills a cancelled run's process after 30 s and makes the run `Cancelled`, also when
it has ended in another state by then. Neither can be set: the seconds are a literal and the
class that waits them out is made inside. So that class is replaced, here and nowhere else.

Source: `CancellationManager` in `prefect/runner/_cancellation_manager.py`, made by
`FlowRunExecutorContext` in `prefect/runner/_flow_run_executor.py`, which `ProcessWorker.run` uses;
Prefect 3.8.8, read 2026-11-23. `tests/orchestration/test_cancel.py` fails when that changes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
from prefect.runner import _flow_run_executor as executor
from prefect.runner._cancellation_manager import CancellationManager
from prefect.states import Crashed

from tasks.cancelling import CHANGES_BY

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.runner._process_manager import ProcessHandle

MADE_BY = (executor, "CancellationManager")
"""Where Prefect takes the class from."""
POLL_S = 0.5
UNSAID = "a cancel came while the run was ending: its log says what serves"


class PatientCancellation(CancellationManager):
    """Tells a run that changes its target of the cancel, and leaves its end to itself."""

    async def cancel(self, flow_run: FlowRun, state_msg: str | None = None) -> None:
        """Cancel a run; one that is past its first change goes on.

        Args:
            flow_run: The run, read after its state became `Cancelling`.
            state_msg: What its state shall say when it was ended.
        """
        handle = self._process_manager.get(flow_run.id)
        if handle is None or flow_run.labels.get(CHANGES_BY) != handle.pid:
            await super().cancel(flow_run, state_msg)
            return
        await _tell(handle)
        ended = await self._client.read_flow_run(flow_run.id)
        if ended.state is not None and ended.state.is_cancelling():
            await self._client.set_flow_run_state(flow_run.id, Crashed(message=UNSAID), force=True)


async def _tell(handle: ProcessHandle) -> None:
    """Send SIGTERM, and return when the process has ended."""
    with suppress(ProcessLookupError):
        handle.graceful_kill()
    while handle.is_alive():
        await anyio.sleep(POLL_S)


def let_runs_finish() -> None:
    """Let every worker of this process cancel in this way; safe to repeat."""
    setattr(*MADE_BY, PatientCancellation)
