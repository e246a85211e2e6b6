"""`python -m infra.rehearsal.approve`: says yes to the next promotion that asks, as a person would.

It answers over Prefect's API, as the form in the UI does; so it runs inside, beside the worker.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prefect import get_client, resume_flow_run
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

if TYPE_CHECKING:
    from uuid import UUID

POLL_S = 0.5
WITHIN_S = 600
"""How long it waits for the question."""
YES = {"verdict": "go", "why": "the rehearsal goes on", "who": "bin/rehearse"}


def asking(within_s: float = WITHIN_S) -> UUID:
    """Wait for a promotion that asks, and return its run's id.

    Args:
        within_s: how long to wait for the question, in seconds.

    Raises:
        TimeoutError: when nothing was asked.
    """
    paused = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    )
    promotions = FlowFilter(name=FlowFilterName(any_=["promote"]))
    deadline = time.monotonic() + within_s
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            found = client.read_flow_runs(flow_filter=promotions, flow_run_filter=paused)
            if found:
                return found[0].id
            time.sleep(POLL_S)
    raise TimeoutError(f"no promotion asked within {within_s:.0f} s")


if __name__ == "__main__":
    resume_flow_run(asking(), run_input=YES)
