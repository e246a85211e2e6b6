"""The site's certificate is no longer valid, or will not be for much longer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

EXPIRED = 10
"""OpenSSL's code for it."""
RULE = "certificate-from-outside"
"""The name of verify's own finding, as `rollout.decide.outside` gives it."""
_WELL = 0


def _look(evidence: Evidence) -> Told | None:
    outside = evidence.outside
    if outside is None:
        return None
    if outside.certificate_code == EXPIRED:
        return _told(
            evidence,
            "has expired",
            f"{outside.certificate_words} (code {EXPIRED})",
            "Users cannot reach the site: browsers warn of the certificate.",
        )
    found = next((one for one in evidence.findings if one.rule == RULE), None)
    if found is None or outside.certificate_code != _WELL:
        return None
    notice = "Users notice nothing yet: it is believed until it ends."
    # What users do notice goes first.
    return replace(_told(evidence, "ends soon", found.consequence, notice), stands_back=True)


def _told(evidence: Evidence, how: str, seen: str, impact: str) -> Told:
    proxy = evidence.around.proxy
    return Told(
        cause=f"the certificate of the public name {how}: Caddy did not renew it",
        seen=seen,
        next_step="Read in Caddy's log why it could not, and let it try again.",
        commands=(
            evidence.on_service(proxy, "docker logs --tail 100 2>&1 | grep -i tls"),
            evidence.on_service(proxy, "docker restart"),
        ),
        impact=impact,
    )


FAILURE = Failure("certificate-expired", _look)
