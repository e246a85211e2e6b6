"""The host's or the worker's clock is wrong: certificates and tokens are not believed.

Most of what fails has nothing to do with the time: a container that ends at once does so with any
clock. A clock that is off is the cause of what is about certificates and logins; else it stands
beside the cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import LOGIN_REFUSED, PULL_FAILED
from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

MOST_OFF_S = 60.0
"""Google and TLS forgive less than that in practice, in seconds."""
NOT_YET_VALID = 9
"""OpenSSL's code for a certificate whose time has not come."""
_STEP = (
    "sudo chronyc makestep 2>/dev/null || sudo systemctl restart systemd-timesyncd; "
    "timedatectl status"
)
"""Sets a clock with whichever of the two a machine has: a bare Debian has no chrony."""
_UNAUTHORIZED = (401, 403)
_OF_LOGINS = ("RegistryRefused", "SecretStoreRefused", "DatabaseProxyRefused", "TunnelRefused")


def _look(evidence: Evidence) -> Told | None:
    ahead_s = evidence.host.clock_ahead_s if evidence.host else None
    if ahead_s is not None and abs(ahead_s) >= MOST_OFF_S:
        seen = f"the host's clock is {ahead_s:+.0f} s off the worker's"
        return _told(evidence, seen, stands_back=not _is_about_trust(evidence))
    outside = evidence.outside
    if outside and outside.certificate_code == NOT_YET_VALID:
        return _told(evidence, f"{outside.url}: {outside.certificate_words}")
    return None


def _is_about_trust(evidence: Evidence) -> bool:
    """Return whether what failed is one of the things that believe a clock."""
    outside, status = evidence.outside, evidence.http_status
    pull = evidence.reserved == PULL_FAILED and status in _UNAUTHORIZED
    refused = evidence.reserved == LOGIN_REFUSED or any(map(evidence.is_a, _OF_LOGINS))
    return pull or refused or bool(outside and outside.certificate_code)


def _told(evidence: Evidence, seen: str, *, stands_back: bool = False) -> Told:
    return Told(
        cause="a clock is wrong, so that certificates and tokens are not believed",
        seen=seen,
        next_step="Compare both clocks with a third; the worker's may be the one that is off. Set "
        "the wrong one by NTP.",
        commands=("date --utc", evidence.on_host(f"date --utc; {_STEP}")),
        stands_back=stands_back,
    )


FAILURE = Failure("clock-off", _look)
