"""Dials the public address: by its own name, or at another address that is asked under that name.

The certificate, the request and what is told keep the public name; only the connection goes
elsewhere, for instance where the name is not known yet, or leads to another machine still.

Source: the request extension `sni_hostname` of httpx 0.28, read 2026-11-26.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    import ssl

    from rollout.config import Verify

PORTS = {"https": 443, "http": 80}


def dialled(url: str, address: str) -> tuple[str, int]:
    """Return the host and the TCP port that a connection for an address goes to.

    Args:
        url: The address that is asked.
        address: `[verify] address`: a host, with a port or without; empty dials the URL's own.

    Example:
        >>> dialled("https://app.example/health", "10.0.0.2:8443")
        ('10.0.0.2', 8443)
        >>> dialled("https://app.example/health", "")
        ('app.example', 443)
    """
    own = urlsplit(url)
    other = urlsplit(f"//{address}")
    port = other.port or own.port or PORTS[own.scheme]
    return other.hostname or own.hostname or "", port


def outside_client(verify: Verify, timeout_s: float) -> httpx.Client:
    """Return a client for the public address, which follows no redirect.

    Args:
        verify: Whether its connections go elsewhere.
        timeout_s: How long an answer may take, in seconds.
    """
    return client_to(verify.address, timeout_s)


def client_to(address: str, timeout_s: float, *, is_trusting: bool = False) -> httpx.Client:
    """Return a client whose connections go to an address, whatever name it asks for.

    Args:
        address: As in `dialled`; empty leaves connections where they go.
        timeout_s: How long an answer may take, in seconds.
        is_trusting: Whether any certificate will do.
    """
    verify = False if is_trusting else authorities()
    transport = _Elsewhere(address, verify) if address else None
    return httpx.Client(
        timeout=timeout_s, follow_redirects=False, transport=transport, verify=verify
    )


@cache
def authorities(*protocols: str) -> ssl.SSLContext:
    """Return what trusts the authorities that all requests trust; to read them costs 40 ms.

    Args:
        protocols: What a handshake offers; empty leaves that to the client, which says it anew for
            each connection.
    """
    context = httpx.create_ssl_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class _Elsewhere(httpx.HTTPTransport):
    """Connects to one address, under the name that was asked for."""

    def __init__(self, address: str, verify: ssl.SSLContext | bool) -> None:  # noqa: FBT001
        super().__init__(verify=verify)
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request there; its Host header says the name already."""
        host, port = dialled(str(request.url), self._address)
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=host, port=port)
        return super().handle_request(request)
