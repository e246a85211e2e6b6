"""Addresses with the credentials that open them, as blocks hand them to executors."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.command import Secret


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine of Compute Engine.

    Attributes:
        project: Id of its project.
        zone: Its zone, for example `us-central1-a`.
        name: Its name there.
    """

    project: str
    zone: str
    name: str

    def __str__(self) -> str:
        return f"{self.project}/{self.zone}/{self.name}"


@dataclass(frozen=True, slots=True)
class HostAddress:
    """How to reach a host over SSH.

    Attributes:
        host: Name or address.
        user: The login; it may use sudo without a password.
        private_key: Its private key, OpenSSH or PEM text.
        host_key: The only key that the host may show: `ssh-ed25519 AAAA...`; empty where it is
            still to be read.
        port: TCP port.
        proxy_command: A command whose standard streams are the connection, for example an IAP
            tunnel with `%h` and `%p`; empty connects directly.
        key_told_by: The machine that told Google its key; None where a person pinned it.
    """

    host: str
    user: str
    private_key: Secret
    host_key: str
    port: int = 22
    proxy_command: str = ""
    key_told_by: Instance | None = None


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """How to log in to a registry.

    Attributes:
        host: The registry's name, for example `us-central1-docker.pkg.dev`.
        prefix: What stands between host and image name: `project/repository`.
        username: The login.
        token: Its password, short-lived.
    """

    host: str
    prefix: str
    username: str
    token: Secret

    def repository(self, image: str) -> str:
        """Return an image's full name without tag, for example `host/project/repository/web`."""
        return f"{self.host}/{self.prefix}/{image}"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """How to reach the application's database from the worker.

    Attributes:
        url: The whole connection URL, with its password.
        proxy_command: A program to run while connected, such as the Cloud SQL Auth Proxy; the URL
            then points at the port where it listens. Empty connects directly.
        proxy_ready: Where it says over HTTP that it leads to the database; empty where it is
            enough that it listens.
        proxy_key: The account that it logs in with, a service account's JSON; None leaves it the
            machine's own.
    """

    url: Secret
    proxy_command: tuple[str, ...] = ()
    proxy_ready: str = ""
    proxy_key: Secret | None = None
