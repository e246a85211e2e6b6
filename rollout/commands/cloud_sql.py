"""The Cloud SQL Auth Proxy, as a program beside the run.

Source: `cloud-sql-proxy` 2.25, `cmd/root.go` and `internal/healthcheck`, read 2026-11-25.
"""

from __future__ import annotations

LOOPBACK = "127.0.0.1"
KEY_VARIABLE = "CSQL_PROXY_JSON_CREDENTIALS"
"""Where the proxy looks for the account that it logs in with, beside its command line."""


def cloud_sql_proxy_command(
    instance: str, port: int, health_port: int, *, is_private: bool
) -> tuple[str, ...]:
    """Return the proxy's command; it is ready only when a connection to the instance came about.

    Without that test it listens whatever Google says, and a login that has expired shows as a
    server that hangs up.

    Args:
        instance: The instance's connection name, `project:region:instance`.
        port: Where it listens on the loopback.
        health_port: Where it says there, over HTTP, how it is.
        is_private: Whether it goes to the instance's private address.

    Example:
        >>> cloud_sql_proxy_command("p:r:i", 5433, 9090, is_private=False)[-3:]
        ('--health-check', '--run-connection-test', 'p:r:i')
    """
    return (
        "cloud-sql-proxy",
        *(f"--address={LOOPBACK}", f"--port={port}"),
        *(f"--http-address={LOOPBACK}", f"--http-port={health_port}"),
        *(("--private-ip",) if is_private else ()),
        *("--health-check", "--run-connection-test"),
        instance,
    )


def ready_url(health_port: int) -> str:
    """Return where the proxy says with status 200 that connections may begin.

    `/readiness` says the same, and writes a line of error each time that it has to say no.
    """
    return f"http://{LOOPBACK}:{health_port}/startup"
