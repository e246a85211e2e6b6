"""The site's certificate is for another name, or nobody vouches for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    outside = evidence.outside
    if outside is None or not outside.certificate_code:
        return None
    return Told(
        cause="the certificate of the public name is not one that browsers trust",
        seen=f"{outside.certificate_words} (code {outside.certificate_code})",
        next_step="See which certificate Caddy shows, and why it has no other.",
        commands=(
            f"openssl s_client -connect {outside.route.name}:{outside.route.port} "
            f"-servername {outside.name} </dev/null "
            "| openssl x509 -noout -subject -issuer -dates",
        ),
        impact="Users cannot reach the site: browsers warn of the certificate.",
    )


FAILURE = Failure("certificate-not-trusted", _look, is_general=True)
