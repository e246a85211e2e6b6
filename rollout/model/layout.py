"""Where things lie on a host, and what they are called; the wiki's names are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

COMPOSE = "docker-compose.prod.yml"
CADDYFILE = "Caddyfile"
ENV = ".env"
RELEASE = "release.json"
CONTRACT = "contract.json"
DERIVED = "derived-contract.json"
"""The contract of a release that was deployed without one, derived from its migrations later."""
CHECKSUMS = "SHA256SUMS"
LEDGER = "ledger.jsonl"
PROXY = "proxy"
LIVE = "live"
AROUND = "around"
"""A file that says what the services around the web service were last started as."""
PROXY_MOUNT = "/etc/caddy"

RELEASE_LABEL = "trovella-deploy.release"
VERSION_LABEL = "trovella-deploy.version"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below an application's directory on a host.

    Example:
        >>> Layout("/opt/trovella").compose(12)
        '/opt/trovella/releases/12/docker-compose.prod.yml'
    """

    directory: str

    @property
    def proxy(self) -> str:
        """Return the folder that the proxy's container sees as /etc/caddy."""
        return f"{self.directory}/{PROXY}"

    @property
    def lease(self) -> str:
        """Return the folder in which the right to change the target lies."""
        return f"{self.directory}/lease"

    def release(self, number: int) -> str:
        """Return a release's folder."""
        return f"{self.directory}/releases/{number}"

    def compose(self, number: int) -> str:
        """Return the path of a release's compose file."""
        return f"{self.release(number)}/{COMPOSE}"

    def env(self, number: int) -> str:
        """Return the path of a release's environment file, which holds its secrets."""
        return f"{self.release(number)}/{ENV}"


def release_service(service: str, number: int) -> str:
    """Return the compose service, and so the network name, of one release of a service.

    Example:
        >>> release_service("web", 12)
        'web-r12'
    """
    return f"{service}-r{number}"


def release_number(service: str, name: str) -> int | None:
    """Return the release whose compose service has this name; None when it is no release's.

    Example:
        >>> release_number("web", "web-r12")
        12
    """
    match = re.fullmatch(rf"{re.escape(service)}-r([1-9][0-9]*)", name)
    return int(match[1]) if match else None
