"""The host that releases are made to serve on."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Annotated, ClassVar

from prefect.blocks.core import Block
from pydantic import AfterValidator, Field, HttpUrl, SecretStr

from blocks.loading import DOCUMENTATION_URL
from rollout.model.command import Secret
from rollout.model.target import HostAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.executors.host import Host

_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*)-----END \1-----\s*\Z", re.DOTALL)
_HOST_KEY = re.compile(r"((?:ssh|ecdsa)-[a-z0-9-]+) (AAAA[A-Za-z0-9+/=]+)")
_PEM_WIDTH = 64


def _private_key(key: SecretStr) -> SecretStr:
    """Return the key with its line breaks, which a one-line form field takes away."""
    found = _PEM.match(key.get_secret_value().strip())
    if found is None:
        raise ValueError("should be a private key, from -----BEGIN to -----END")
    kind, body = found.groups()
    lines = body.split() if "\n" in body.strip() else textwrap.wrap(body.strip(), _PEM_WIDTH)
    return SecretStr("\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", "")))


def _host_key(line: str) -> str:
    """Return type and key of a line as `ssh-keyscan` or a `known_hosts` file has it."""
    found = _HOST_KEY.search(line)
    if found is None:
        raise ValueError("should be a host's public key: ssh-ed25519 AAAA...")
    return " ".join(found.groups())


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]*", text):
        raise ValueError("should be one word of letters, digits, dots and hyphens")
    return text


class TargetHost(Block):
    """A machine that runs releases, reached over SSH with one pinned host key.

    Example:
        Load a saved block and open a connection:
        ```python
        from blocks.target_host import TargetHost

        target = TargetHost.load("BLOCK_NAME")
        with target.executor() as host:
            ...
        ```
    """

    _block_type_name = "Target host"
    _block_type_slug = "target-host"
    _description = "A machine that runs releases, reached over SSH with one pinned host key."
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(DOCUMENTATION_URL)

    host: Annotated[str, AfterValidator(_word)] = Field(
        description="Name or address of the machine, as the worker reaches it."
    )
    port: int = Field(default=22, ge=1, le=65535, description="TCP port of its SSH server.")
    user: Annotated[str, AfterValidator(_word)] = Field(
        default="deploy", description="The login; it may use sudo without a password."
    )
    private_key: Annotated[SecretStr, AfterValidator(_private_key)] = Field(
        description="Private key of the login, OpenSSH or PEM text without a passphrase. "
        "Pasting it into this one-line field is fine."
    )
    host_key: Annotated[str, AfterValidator(_host_key)] = Field(
        description="The only key that the machine may show: `ssh-ed25519 AAAA...`, or the whole "
        "line that `ssh-keyscan` prints."
    )
    proxy_command: str = Field(
        default="",
        description="A command whose standard streams are the connection, with %h and %p, for "
        "example an IAP tunnel; empty connects directly.",
    )

    def address(self) -> HostAddress:
        """Return how to reach the host."""
        return HostAddress(
            host=self.host,
            user=self.user,
            private_key=Secret(self.private_key.get_secret_value()),
            host_key=self.host_key,
            port=self.port,
            proxy_command=self.proxy_command,
        )

    def executor(self, log: Callable[[str], None] | None = None) -> Host:
        """Return the host, not yet connected.

        Args:
            log: Where its lines go; None leaves that to the executor.
        """
        from rollout.executors.host import Host  # noqa: PLC0415 - Fabric costs half a second

        return Host(self.address()) if log is None else Host(self.address(), log=log)
