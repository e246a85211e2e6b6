"""Looks at an address as somebody outside would: name, connection, certificate, answer.

Each step answers with a code of its own, so that nobody has to read what an error says.
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httpx

from rollout.executors.dial import client_to, dialled
from rollout.model.seen import HealthCheckSeen, OutsideSeen, RouteSeen
from rollout.render.caddyfile import RELEASE_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 8.0
_LARGEST_BODY = 64 * 1024
_GAI = {number: name for name, number in vars(socket).items() if name.startswith("EAI_")}


def look_at_route(name: str, port: int) -> RouteSeen:
    """Return how far a TCP connection gets; takes at most 3 s an address, for two of them."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return RouteSeen(name, port, failure=_GAI.get(error.errno or 0, "EAI_FAIL"))
    addresses = tuple(dict.fromkeys(str(one[4][0]) for one in found))
    failure = ""
    for address in addresses[:2]:
        failure = _connected(address, port)
        if not failure:
            break
    return RouteSeen(name, port, addresses, failure)


def look_outside(url: str, address: str = "") -> OutsideSeen:
    """Return how a public address answers; takes at most some 15 s.

    Args:
        url: What to ask: the health address.
        address: Where connections for it go instead; empty follows its name.
    """
    parts = urlsplit(url)
    route = look_at_route(*dialled(url, address))
    if route.failure:
        return OutsideSeen(url, route)
    name = parts.hostname or ""
    code, words = _certificate(route, name) if parts.scheme == "https" else (None, "")
    answer = _answer(url, address)
    if answer is None:
        return OutsideSeen(url, route, code, words)
    return OutsideSeen(
        url=url,
        route=route,
        certificate_code=code,
        certificate_words=words,
        http_status=answer.status_code,
        location=answer.headers.get("location", ""),
        upstream=answer.headers.get(RELEASE_HEADER, ""),
        checks=_checks(answer),
    )


def _connected(address: str, port: int) -> str:
    """Return the system's name for what keeps a connection from coming about; empty for none."""
    try:
        socket.create_connection((address, port), CONNECT_TIMEOUT_S).close()
    except TimeoutError:
        return "ETIMEDOUT"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "EIO")
    return ""


def _certificate(route: RouteSeen, name: str) -> tuple[int | None, str]:
    """Return OpenSSL's verification code and words; 0 for a certificate that is trusted."""
    trust = ssl.create_default_context()
    try:
        with (
            socket.create_connection((route.name, route.port), CONNECT_TIMEOUT_S) as plain,
            trust.wrap_socket(plain, server_hostname=name),
        ):
            return 0, "trusted"
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
    except OSError:
        return None, ""


def _answer(url: str, address: str) -> httpx.Response | None:
    """Return what is answered, whatever the certificate is worth: nothing secret is sent."""
    try:
        # The certificate was looked at by itself.
        with client_to(address, ANSWER_TIMEOUT_S, is_trusting=True) as client:
            return client.get(url, headers={"Cache-Control": "no-cache"})
    except httpx.HTTPError:
        return None


def _checks(answer: httpx.Response) -> tuple[HealthCheckSeen, ...]:
    """Return the checks in a health body; empty when it has none."""
    try:
        body: Any = answer.json() if len(answer.content) <= _LARGEST_BODY else {}
    except ValueError:
        return ()
    checks: object = body.get("checks") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(checks, dict):
        return ()
    found = cast("Mapping[str, Any]", checks).items()
    return tuple(_check(name, one) for name, one in found if isinstance(one, dict))


def _check(name: str, one: Any) -> HealthCheckSeen:
    taken = one.get("latencyMs", one.get("latency_ms"))
    return HealthCheckSeen(
        name, one.get("ok") is True, float(taken) if isinstance(taken, (int, float)) else None
    )
