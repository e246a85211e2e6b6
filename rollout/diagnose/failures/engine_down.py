"""The host's Docker engine does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.host import ENGINE_SILENT
from rollout.commands.machine import ENGINE_STILL_DOWN
from rollout.diagnose.failure import NOTICED, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    refused = any(one.rule == "engine-running" for one in evidence.findings)
    silent = evidence.reserved in (ENGINE_SILENT, ENGINE_STILL_DOWN)
    gone = evidence.host is not None and not evidence.host.engine
    if not (refused or silent or gone):
        return None
    return Told(
        cause="the Docker engine on the host does not answer",
        seen="docker version: no answer" if gone else evidence.true,
        next_step="Read why it stopped, and start it; with live-restore the containers went on.",
        commands=(
            evidence.on_host("sudo service docker status; sudo journalctl -u docker -n 50"),
            evidence.on_host("sudo service docker start"),
        ),
        impact=NOTICED,
    )


FAILURE = Failure("engine-down", _look)
