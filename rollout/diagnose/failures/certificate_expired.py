"""The site's certificate is no longer valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

EXPIRED = 10
"""OpenSSL's code for it."""


def _look(evidence: Evidence) -> Told | None:
    outside = evidence.outside
    if outside is None or outside.certificate_code != EXPIRED:
        return None
    return Told(
        cause="the certificate of the public name has expired: Caddy did not renew it",
        seen=f"{outside.certificate_words} (code {EXPIRED})",
        next_step="Read in Caddy's log why it could not, and let it try again.",
        commands=(
            evidence.on_host(f"docker logs --tail 100 {_caddy(evidence)} 2>&1 | grep -i tls"),
            evidence.on_host(f"docker restart {_caddy(evidence)}"),
        ),
        impact="Users cannot reach the site: browsers warn of the certificate.",
    )


def _caddy(evidence: Evidence) -> str:
    return f"{evidence.around.project}-{evidence.around.proxy}-1"


FAILURE = Failure("certificate-expired", _look)
