"""The new container is not the release's: it says another version, or runs another image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import OTHER_IMAGE, OTHER_VERSION
from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.reserved not in (OTHER_IMAGE, OTHER_VERSION):
        return None
    says = evidence.reserved == OTHER_VERSION
    return Told(
        cause="the new container says another version than the release's"
        if says
        else "the new container runs another image than the release's",
        seen=last(evidence.stdout) if says else evidence.true,
        next_step="Give the build the commit as its version: `{version}` in [build] args.",
        commands=(f"grep -n version deployments/{evidence.around.environment}.toml",),
        retry=Retry.USELESS if says else Retry.AFTER,
        impact=SERVES_ON,
    )


FAILURE = Failure("other-version", _look)
