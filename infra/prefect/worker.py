"""`python -m infra.prefect.worker --pool NAME`: Prefect's process worker, which also drains.

Told to stop (SIGTERM, SIGINT), it takes no further runs, waits for those it has and exits 0.
Prefect's own `worker start` kills them at that moment and leaves them `Running` for good
(PrefectHQ/prefect#16746, #22528), which would cut a deploy in two.

A flow run lives in a session of its own, in the checkout that the worker was started from, without
a pipe to the worker: when the worker is killed, the run goes on and reports to the server itself.
A run that is past its first change is not killed by a cancel either (`cancellation.py`).

Source: `prefect.workers.base.BaseWorker` and `prefect.workers.process.ProcessWorker`, Prefect
3.8.8, read 2026-11-23. Overridden are its public `get_and_submit_flow_runs`, the job
configuration's public `resolve_for_flow_run` and `prepare_for_flow_run`, and
`_submit_scheduled_flow_runs`, which is not public; `limiter` is the public count of runs in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shlex
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

from deployments.needed import demand_settings
from infra.prefect.cancellation import let_runs_finish
from rollout.errors import ConfigInvalid, RolloutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import WorkerFlowRunResponse

DRAIN_TIMEOUT_S = 900.0
"""As long as the longest phase of a deploy may take (`deployments/*.toml`)."""
SIDE_BY_SIDE = 10
POLL_S = 0.1
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CheckoutConfiguration(ProcessJobConfiguration):
    """Starts runs from the worker's own checkout, so that deployments carry no path."""

    @classmethod
    async def resolve_for_flow_run(cls, flow_run: FlowRun, *args: Any, **kwargs: Any) -> Any:
        """Return what is started for a run.

        Raises:
            ConfigInvalid: When the run brings job variables of its own. With one of them, a command
                or PYTHONPATH for instance, whoever may start runs could run anything as the worker.
                Prefect ends the run as Crashed then, with this as its message.
        """
        own = sorted(name for name, value in (flow_run.job_variables or {}).items() if value)
        if own:
            told = f"are not taken from a run, but from its deployment: {', '.join(own)}"
            raise ConfigInvalid("job variables", told)
        return await super().resolve_for_flow_run(flow_run, *args, **kwargs)

    def prepare_for_flow_run(self, *args: Any, **kwargs: Any) -> None:
        """Say what is started, and where; what a deployment's job variables name comes first."""
        self.command = self.command or shlex.join((sys.executable, "-m", "infra.prefect.engine"))
        self.working_dir = self.working_dir or Path.cwd()
        # Through a pipe, the run's next line would kill it once the worker is gone. Its log goes
        # to the API in any case.
        self.stream_output = False
        super().prepare_for_flow_run(*args, **kwargs)


class DrainingWorker(ProcessWorker):
    """A process worker that can be asked to take no further runs."""

    job_configuration = CheckoutConfiguration

    def __init__(self, pool: str, *, limit: int = SIDE_BY_SIDE) -> None:
        super().__init__(
            work_pool_name=pool,
            # Not by its pid: in containers that share a machine's name, each is the same one.
            name=f"{socket.gethostname()}-{secrets.token_hex(3)}",
            limit=limit,
            create_pool_if_not_found=False,
        )
        self._draining = False
        self._taking = asyncio.Lock()

    @classmethod
    def __dispatch_key__(cls) -> str:
        # Prefect's own class stays the one that is found for pools of type `process`.
        return "draining-process"

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take the runs that are due; none while draining. Heartbeats go on beside it."""
        async with self._taking:
            return [] if self._draining else await super().get_and_submit_flow_runs()

    async def _submit_scheduled_flow_runs(
        self, flow_run_response: list[WorkerFlowRunResponse]
    ) -> list[FlowRun]:
        """Leave a retried run for later while the process of its former try has not ended.

        Prefect's own raises then, which ends the worker.
        """
        busy = self.limiter.statistics().borrowers
        due = [one for one in flow_run_response if one.flow_run.id not in busy]
        return await super()._submit_scheduled_flow_runs(due)

    @property
    def in_flight(self) -> int:
        """Return how many runs this worker has taken and not seen end."""
        return int(self.limiter.borrowed_tokens) if self.is_setup else 0

    async def drain(self) -> None:
        """Take no further runs and return when the last one has ended."""
        self._draining = True
        async with self._taking:  # a look for runs that was under way has now counted its own
            pass
        while self.in_flight:
            await anyio.sleep(POLL_S)


async def serve(worker: DrainingWorker, drain_timeout_s: float) -> int:
    """Run the worker until it is told to stop, then drain.

    Args:
        worker: The worker, not yet started.
        drain_timeout_s: How long runs may go on after the signal, in seconds.

    Returns:
        The exit status: 0 when every run has ended; 1 after a second signal or the limit, with
        runs that go on without the worker.
    """
    async with anyio.create_task_group() as group:
        group.start_soon(partial(worker.start, printer=tell))
        with anyio.open_signal_receiver(*STOP_SIGNALS) as signals:
            await anext(signals)
            tell(f"draining: {worker.in_flight} run(s) in flight, no further ones are taken")
            drained = await _drain(worker, signals, drain_timeout_s)
        if not drained:
            _let_go(worker)
        group.cancel_scope.cancel()
    tell("drained: every run has ended")
    return 0


async def _drain(
    worker: DrainingWorker, signals: AsyncIterator[signal.Signals], timeout_s: float
) -> bool:
    """Return whether the runs ended before the limit and before a second signal."""
    drained = False
    with anyio.move_on_after(timeout_s):
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                nonlocal drained
                await worker.drain()
                drained = True
                group.cancel_scope.cancel()

            group.start_soon(wait)
            await anext(signals)
            group.cancel_scope.cancel()
    return drained


def _let_go(worker: DrainingWorker) -> None:
    """End this process and nothing else: leaving Prefect's contexts would kill the runs."""
    tell(
        f"{worker.in_flight} run(s) did not end in time\n"
        "left: they go on without a worker and report to the server themselves; in a container "
        "they end with it\n"
        "next: watch them in the UI; start a worker again for what comes after them"
    )
    os._exit(1)


def tell(text: str) -> None:
    """Print a line for whoever started the worker."""
    print(f"worker: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Read the command line and serve; 1 at once when the settings that runs need are not there."""
    parser = argparse.ArgumentParser(prog="infra.prefect.worker", description=__doc__)
    parser.add_argument("--pool", required=True, help="the work pool to take runs from")
    parser.add_argument("--limit", type=int, default=SIDE_BY_SIDE, help="runs side by side")
    parser.add_argument(
        "--drain-timeout-s",
        type=float,
        default=DRAIN_TIMEOUT_S,
        help="how long runs may go on after SIGTERM, in seconds (default %(default)s)",
    )
    options = parser.parse_args()
    try:
        demand_settings("No worker was started.")
    except RolloutError as error:
        tell(str(error))
        return 1
    let_runs_finish()

    async def run() -> int:
        return await serve(
            DrainingWorker(options.pool, limit=options.limit), options.drain_timeout_s
        )

    return asyncio.run(run())


if __name__ == "__main__":
    raise SystemExit(main())
