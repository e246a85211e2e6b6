"""What the blocks of an environment are made of: read from a file, checked, nothing saved yet.

For a production that is a TOML file of the operator's own, which names key files and holds no
secret itself; for a rehearsal it is the `world.json` that the rehearsal wrote.

    [target_host]
    host = "trovella-prod-vm"
    through = "iap"
    instance = "trovella-prod/us-central1-a/trovella-prod-vm"
    user = "sa_1234"
    private_key_file = "/etc/trovella/deploy_key"

    [[further_hosts]] # only where the environment's file names further hosts, and in their order
    host = "10.128.0.3"
    user = "deploy"
    private_key_file = "/etc/trovella/deploy_key"
    host_key = "ssh-ed25519 AAAA..."

    [gcp_project]
    project = "trovella-prod"

    [artifact_registry]
    project = "trovella-shared"
    repository = "trovella"

    [app_database]
    url_secret = "trovella-database-url"
    cloud_sql = "trovella-prod:us-central1:trovella"

    [notifications] # only where the environment's file names a webhook_block
    url_file = "/etc/trovella/webhook_url"

    [scratch_database]
    url_secret = "trovella-scratch-database-url"

The last one is needed only where the environment's file names a `scratch_database`.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from blocks.loading import first_problem
from rollout.errors import ConfigInvalid

if TYPE_CHECKING:
    from pathlib import Path


class Facts(BaseModel):
    """A table of the file: an unknown key is an error. What a value may be, its block says."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HostFacts(Facts):
    """The `TargetHost` block.

    Attributes:
        host: Name or address of the machine, as the worker reaches it.
        private_key_file: Path of the login's private key, OpenSSH or PEM without a passphrase.
        port: TCP port of its SSH server.
        user: The login; it may use sudo without a password.
        host_key: The only key that the machine may show: `ssh-ed25519 AAAA...`, or the whole line
            that `ssh-keyscan` prints; empty takes the one that the instance told Google.
        through: How the worker reaches it: over the network, or through a tunnel of Identity-Aware
            Proxy, with the worker's `gcloud`.
        instance: The machine at Google, `project/zone/name`; needed for `iap`, and where `host_key`
            is empty.
        proxy_command: A command of your own whose standard streams are the connection, with `%h`
            and `%p`; empty needs none.
    """

    host: str
    private_key_file: str
    port: int = 22
    user: str = "deploy"
    host_key: str = ""
    through: Literal["network", "iap"] = "network"
    instance: str = ""
    proxy_command: str = ""


class ProjectFacts(Facts):
    """The `GcpProject` block.

    Attributes:
        project: Its id.
        service_account_file: Path of a service account's key; empty uses the identity of the
            machine that the worker runs on.
        secret_manager_endpoint: Another address of Secret Manager; empty asks Google's own.
    """

    project: str
    service_account_file: str = ""
    secret_manager_endpoint: str = ""


class RegistryFacts(Facts):
    """The `ArtifactRegistry` block.

    Attributes:
        project: Id of the project that the repository belongs to.
        repository: Name of the repository.
        region: Its region.
    """

    project: str
    repository: str
    region: str = "us-central1"


class DatabaseFacts(Facts):
    """The `AppDatabase` block.

    Attributes:
        url_secret: Name in Secret Manager of the URL.
        host: Name or address in place of the URL's, when the worker reaches the database another
            way than the application; empty keeps the URL's.
        port: Port in place of the URL's; 0 keeps the URL's.
        cloud_sql: Connection name of the Cloud SQL instance, `project:region:instance`, that is
            reached through its Auth Proxy, which runs beside the run; empty needs none.
        private_ip: Whether the Auth Proxy goes to the instance's private address.
        proxy_command: A program of your own and its arguments to run while connected; empty
            connects directly.
    """

    url_secret: str
    host: str = ""
    port: int = 0
    cloud_sql: str = ""
    private_ip: bool = False
    proxy_command: list[str] = []


class NotificationFacts(Facts):
    """The `Webhook` block; needed only where the environment's file names a `webhook_block`.

    Attributes:
        url_file: Path of a file that holds its address, which is a secret.
    """

    url_file: str


class BlockFacts(Facts):
    """Everything that the blocks of an environment are made of.

    Attributes:
        target_host: The host, or the first of several.
        further_hosts: The others, in the order in which `further` of `[hosts]` names their blocks.
        gcp_project: The project.
        artifact_registry: The registry.
        app_database: The application's database.
        scratch_database: The server of scratch databases; None where there is none.
        notifications: Who is told of failures; None leaves that block to whoever made it.
    """

    target_host: HostFacts
    gcp_project: ProjectFacts
    artifact_registry: RegistryFacts
    app_database: DatabaseFacts
    notifications: NotificationFacts | None = None
    scratch_database: DatabaseFacts | None = None
    further_hosts: tuple[HostFacts, ...] = ()

    def hosts(self, first: str, further: tuple[str, ...]) -> dict[str, HostFacts]:
        """Return what the block of each host is made of, by its name.

        Args:
            first: What the environment's file calls the first one.
            further: What it calls the others.

        Raises:
            ConfigInvalid: When the file of the facts has fewer hosts, or more.
        """
        if len(further) != len(self.further_hosts):
            raise ConfigInvalid(
                "hosts.further",
                f"names {_counted(len(further), 'block')}, and the file given with --blocks has "
                f"{len(self.further_hosts)} [[further_hosts]]; make them as many",
            )
        return dict(zip((first, *further), (self.target_host, *self.further_hosts), strict=True))

    def scratch_server(self, name: str) -> DatabaseFacts:
        """Return what the block of the scratch server is made of.

        Args:
            name: What the environment's file calls it.

        Raises:
            ConfigInvalid: When the file of the facts says nothing of it.
        """
        if self.scratch_database is None:
            path = f"block app-database/{name}"
            problem = "the environment's file names it under [blocks], and the file given with "
            raise ConfigInvalid(path, f"{problem}--blocks has no [scratch_database]; add it there")
        return self.scratch_database


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def read_facts(path: Path) -> BlockFacts:
    """Return the facts that an operator's TOML file holds.

    Raises:
        ConfigInvalid: When there is no such file, it is no TOML, or a key is missing or unknown.
    """
    try:
        return BlockFacts.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise ConfigInvalid(str(path), f"cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(str(path), f"is no TOML: {error}") from None
    except ValidationError as error:
        raise ConfigInvalid(str(path), first_problem(error)) from None


def read_world(path: Path) -> BlockFacts:
    """Return the facts of the rehearsal that wrote this `world.json`.

    Raises:
        ConfigInvalid: When there is no such file: the rehearsal does not stand.
    """
    try:
        world: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise ConfigInvalid(str(path), f"cannot be read: {error.strerror}") from None
    database = urlsplit(str(world["database_admin_url"]))
    first, *further = (
        HostFacts(
            host=one["host_address"],
            host_key=one["host_key"],
            private_key_file=world["deploy_key"],
            user=world["host_user"],
        )
        for one in (world, *world.get("further_hosts", ()))
    )
    return BlockFacts(
        target_host=first,
        further_hosts=tuple(further),
        gcp_project=ProjectFacts(
            project=world["secrets_project"], service_account_file=world["service_account_key"]
        ),
        artifact_registry=RegistryFacts(project="trovella-shared", repository="trovella"),
        app_database=DatabaseFacts(
            url_secret="trovella-database-url",  # noqa: S106 - the secret's name
            host=database.hostname or "",
            port=database.port or 0,
        ),
        scratch_database=DatabaseFacts(
            url_secret="trovella-scratch-database-url",  # noqa: S106 - the secret's name
        ),
    )
