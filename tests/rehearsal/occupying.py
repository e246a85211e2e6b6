"""A flow that has the rehearsed target to itself for a while, and writes there when."""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow

from rollout.executors.files import read_environment
from rollout.model.command import Command, script
from tasks.lease import target_lease
from tasks.target import reach

ENVIRONMENT = "rehearsal"
DIARY = "/tmp/occupied"


@flow(name="occupy", flow_run_name="occupy for {name}")
def occupy(name: str, gate: str) -> None:
    """Hold the target's lease until a file is there; each end is a fenced command on the host."""
    with target_lease(ENVIRONMENT), reach(read_environment(ENVIRONMENT)) as host:
        host.run(Command(script('echo "$1 begins" >>"$2"', name, DIARY)))
        while not Path(gate).exists():
            time.sleep(0.1)
        host.run(Command(script('echo "$1 ends" >>"$2"', name, DIARY)))
