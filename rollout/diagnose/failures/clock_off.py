"""The host's or the worker's clock is wrong: certificates and tokens are not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

MOST_OFF_S = 60.0
"""Google and TLS forgive less than that in practice, in seconds."""
NOT_YET_VALID = 9
"""OpenSSL's code for a certificate whose time has not come."""


def _look(evidence: Evidence) -> Told | None:
    ahead_s = evidence.host.clock_ahead_s if evidence.host else None
    if ahead_s is not None and abs(ahead_s) >= MOST_OFF_S:
        return _told(evidence, f"the host's clock is {ahead_s:+.0f} s off the worker's")
    outside = evidence.outside
    if outside and outside.certificate_code == NOT_YET_VALID:
        return _told(evidence, f"{outside.url}: {outside.certificate_words}")
    return None


def _told(evidence: Evidence, seen: str) -> Told:
    return Told(
        cause="a clock is wrong, so that certificates and tokens are not believed",
        seen=seen,
        next_step="Compare both clocks with a third one, and set the wrong one by NTP.",
        commands=("date --utc", evidence.on_host("date --utc; sudo chronyc makestep")),
    )


FAILURE = Failure("clock-off", _look)
