"""Caddy does not accept the release's Caddyfile."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

INVALID = 1
"""What `caddy validate` and `caddy reload` end with; Docker's own failures are 125 and above."""


def _look(evidence: Evidence) -> Told | None:
    asks = {"caddy", "--config"} <= {*evidence.words} and {"validate", "reload"} & {*evidence.words}
    if not asks or evidence.exit_code != INVALID:
        return None
    file = evidence.around.code.caddyfile
    return Told(
        cause="Caddy does not accept the application's Caddyfile",
        seen=last(evidence.stderr),
        next_step="Correct it in a new commit, and deploy that.",
        commands=(f"caddy validate --adapter caddyfile --config {shlex.quote(file)}",),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("caddyfile-invalid", _look)
