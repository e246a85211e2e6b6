"""The host that releases are made to serve on."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from prefect.blocks.core import Block
from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from blocks.gcp_project import GcpProject
from blocks.loading import DOCUMENTATION_URL
from rollout.commands.iap import iap_tunnel_command
from rollout.model.command import Secret
from rollout.model.target import HostAddress, Instance

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
    if not line.strip():
        return ""
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
        default="",
        description="The only key that the machine may show: `ssh-ed25519 AAAA...`, or the whole "
        "line that `ssh-keyscan` prints; empty takes the one that the instance told Google.",
    )
    through: Literal["network", "iap"] = Field(
        default="network",
        description="How the worker reaches it: over the network, or through a tunnel of "
        "Identity-Aware Proxy (`iap`), with the worker's `gcloud`.",
    )
    instance: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9-]{4,28}[a-z0-9]/[a-z0-9-]+/[a-z][a-z0-9-]{0,62})?$",
        description="The machine at Google, `project/zone/name`; needed for `iap`, and where "
        "host_key is empty.",
    )
    proxy_command: str = Field(
        default="",
        description="A command of your own whose standard streams are the connection, with %h and "
        "%p; empty needs none.",
    )
    gcp: GcpProject | None = Field(
        default=None, description="Whose credentials ask for the instance's host key."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.through == "iap" and not self.instance:
            raise ValueError("instance should be project/zone/name where through is iap")
        if self.through == "iap" and self.proxy_command:
            raise ValueError("proxy_command should be empty where through is iap")
        if not self.host_key and not (self.instance and self.gcp):
            raise ValueError("host_key should be given, or else instance and gcp, which know it")
        return self

    def address(self) -> HostAddress:
        """Return how to reach the host; its key is empty where Google is still to be asked."""
        machine = self.machine() if self.through == "iap" else None
        return HostAddress(
            host=self.host,
            user=self.user,
            private_key=Secret(self.private_key.get_secret_value()),
            host_key=self.host_key,
            port=self.port,
            proxy_command=iap_tunnel_command(machine) if machine else self.proxy_command,
        )

    def pinned_address(self) -> HostAddress:
        """Return how to reach the host, with the key that it must show.

        Raises:
            HostKeyUnknown: When Google is asked for the key and does not tell it.
        """
        address, machine = self.address(), self.machine()
        if address.host_key or machine is None or self.gcp is None:
            return address
        return replace(address, host_key=self.gcp.host_key(machine), key_told_by=machine)

    def machine(self) -> Instance | None:
        """Return the machine at Google; None where the block names none."""
        return Instance(*self.instance.split("/")) if self.instance else None

    def executor(self, log: Callable[[str], None] | None = None) -> Host:
        """Return the host, not yet connected.

        Args:
            log: Where its lines go; None leaves that to the executor.

        Raises:
            HostKeyUnknown: When Google is asked for its key and does not tell it.
        """
        from rollout.executors.host import Host  # noqa: PLC0415 - Fabric costs half a second

        address = self.pinned_address()
        return Host(address) if log is None else Host(address, log=log)
