"""Looks at the public address once, as somebody careful would: certificate, protocols, speed."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from rollout.executors.clock import monotonic_s, unix_s
from rollout.executors.dial import authorities, client_to, dialled, outside_client
from rollout.executors.probe import ANSWER_TIMEOUT_S, ask
from rollout.model.outside import Outside, Tls

if TYPE_CHECKING:
    from rollout.config import Verify
    from rollout.executors.probe import Answer

CONNECT_TIMEOUT_S = 5.0
# A slow address is known to be slow before all requests are through.
MEASURING_S = 20.0
_DAY_S = 86_400
_SERVER_ERRORS = 500


def look_outside(verify: Verify, *, requests: int | None = None) -> Outside:
    """Return what the public address is like right now; nothing that goes wrong is raised.

    Args:
        verify: What to ask, and how often for the latency.
        requests: How often to ask for the latency instead; 0 measures none.
    """
    times = verify.limits.requests if requests is None else requests
    with outside_client(verify, ANSWER_TIMEOUT_S) as client:
        answer = ask(client, verify)
        seen = Outside(
            url=verify.url,
            status=answer.status,
            version=answer.version,
            upstream=answer.upstream,
            dependencies=answer.dependencies,
            offers_http3=answer.offers_http3,
            redirect=answer.redirect,
            problem=answer.problem,
        )
        latencies_ms, lost = _measure(client, verify, times, answer)
    parts = urlsplit(verify.url)
    if parts.scheme == "https":
        tls = handshake(parts.hostname or "", *dialled(verify.url, verify.address))
        seen = replace(seen, tls=tls, plain=_plain(verify))
    return replace(seen, latencies_ms=latencies_ms, lost=lost)


def handshake(name: str, host: str, port: int) -> Tls:
    """Return what a handshake shows, by the authorities that requests trust too.

    Args:
        name: The name that the certificate must be for.
        host: Where TLS is spoken.
        port: The port there.
    """
    context = authorities("h2", "http/1.1")
    try:
        with (
            socket.create_connection((host, port), CONNECT_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            until = str((wrapped.getpeercert() or {}).get("notAfter", ""))
            chosen = wrapped.selected_alpn_protocol() or ""
    except ssl.SSLCertVerificationError as error:
        return Tls(problem=error.verify_message)
    except OSError as error:
        return Tls(problem=str(error) or type(error).__name__)
    days_left = (ssl.cert_time_to_seconds(until) - unix_s()) / _DAY_S if until else None
    return Tls(days_left=days_left, protocol=chosen)


def _measure(
    client: httpx.Client, verify: Verify, times: int, first: Answer
) -> tuple[tuple[float, ...], int]:
    """Return what the requests took, one after the other, and how many were lost.

    A look is at one release: what another one answers, in whose favour it is switched meanwhile,
    is not counted.
    """
    release = (first.upstream, first.version)
    latencies_ms: list[float] = []
    lost, began_s = 0, monotonic_s()
    for _ in range(times):
        if monotonic_s() - began_s > MEASURING_S:
            break
        sent_s = monotonic_s()
        answer = ask(client, verify)
        if answer.http_status is None or answer.http_status >= _SERVER_ERRORS:
            lost += 1
        elif (answer.upstream, answer.version) == release:
            latencies_ms.append((monotonic_s() - sent_s) * 1000)
    return tuple(latencies_ms), lost


def _plain(verify: Verify) -> str:
    """Return how the same address answers without TLS, at that protocol's own port."""
    parts = urlsplit(verify.url)
    elsewhere = verify.address.removesuffix(f":{urlsplit(f'//{verify.address}').port}")
    try:
        with client_to(elsewhere, CONNECT_TIMEOUT_S) as client:
            answer = client.get(f"http://{parts.hostname}{parts.path}")
    except httpx.HTTPError as error:
        return type(error).__name__
    target = answer.headers.get("location", "")
    return f"{answer.status_code} to {target}" if target else str(answer.status_code)
