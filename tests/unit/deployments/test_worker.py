"""What a worker starts is said by deployments; a run that brings its own is refused."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, WorkPool
from prefect.workers.process import ProcessWorker

from infra.prefect.worker import CheckoutConfiguration
from rollout.errors import ConfigInvalid


class _Api:
    """Answers what Prefect asks for beside the run itself."""

    async def read_flow(self, _: Any) -> None:
        return None


def resolve(**job_variables: Any) -> CheckoutConfiguration:
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPool(
        name="trovella", type="process", base_job_template=template, default_queue_id=uuid4()
    )
    run = FlowRun(flow_id=uuid4(), job_variables=job_variables)
    more: Any = {"client": _Api(), "work_pool": pool, "worker_name": "w"}
    return asyncio.run(CheckoutConfiguration.resolve_for_flow_run(run, **more))


@pytest.mark.parametrize(
    "name", ["command", "working_dir", "env", "env.PYTHONPATH", "stream_output"]
)
def test_a_run_with_job_variables_of_its_own_is_not_started(name: str):
    with pytest.raises(ConfigInvalid) as raised:
        resolve(**{name: "sh -c id"})

    assert raised.value.true == (
        f"job variables: are not taken from a run, but from its deployment: {name}"
    )


def test_a_run_without_them_is_started_from_the_checkout():
    # Prefect's form sends what nobody filled in.
    started = resolve(env={}, command=None)

    assert started.command is not None
    assert started.command.endswith(" -m infra.prefect.engine")
    assert started.working_dir is not None
