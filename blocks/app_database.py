"""The application's database, as the worker reaches it."""

from __future__ import annotations

import re
from typing import ClassVar, Self

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, model_validator

from blocks.gcp_project import GcpProject
from blocks.loading import DOCUMENTATION_URL
from rollout.commands.cloud_sql import LOOPBACK, cloud_sql_proxy_command, ready_url
from rollout.errors import ConfigInvalid
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress

# A password may hold an unquoted `@`: the last one before the path ends the login.
_URL = re.compile(r"(postgres(?:ql)?://(?:[^/?#]*@)?)([^/?#@:]+)(:[0-9]+)?(/.*)?\Z", re.DOTALL)


class AppDatabase(Block):
    """The application's PostgreSQL: its URL is a secret, its address may differ for the worker.

    Example:
        Load a saved block and read how to connect:
        ```python
        from blocks.app_database import AppDatabase

        database = AppDatabase.load("BLOCK_NAME")
        address = database.address()
        ```
    """

    _block_type_name = "Application database"
    _block_type_slug = "app-database"
    _description = "The application's PostgreSQL: its URL is a secret in Secret Manager."
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(DOCUMENTATION_URL)

    url_secret: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,255}$",
        description="Name of the secret in Secret Manager that holds the application's URL.",
    )
    host: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="Name or address in place of the URL's, when the worker reaches the database "
        "another way than the application; empty keeps the URL's.",
    )
    port: int = Field(
        default=0, ge=0, le=65535, description="Port in place of the URL's; 0 keeps the URL's."
    )
    cloud_sql: str = Field(
        default="",
        pattern=r"^([a-z0-9.:-]+:[a-z0-9-]+:[a-z][a-z0-9-]{0,96})?$",
        description="Connection name of the Cloud SQL instance, `project:region:instance`: it is "
        "then reached through its Auth Proxy, which runs beside the run. Empty needs none.",
    )
    private_ip: bool = Field(
        default=False, description="Whether the Auth Proxy goes to the instance's private address."
    )
    proxy_command: list[str] = Field(
        default=[],
        description="A program of your own and its arguments to run while connected; none connects "
        "directly.",
    )
    gcp: GcpProject = Field(description="The project whose Secret Manager holds the URL.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.cloud_sql and (self.host or self.port or self.proxy_command):
            raise ValueError("host, port and proxy_command should be empty beside cloud_sql")
        return self

    def address(self) -> DatabaseAddress:
        """Return how to connect, with the URL's newest version.

        Raises:
            SecretUnusable: When the URL's secret is missing, disabled, empty or forbidden.
            ConfigInvalid: When the secret is no PostgreSQL URL.
        """
        secret = self.gcp.secret_store().read((self.url_secret,))[self.url_secret]
        path = f"secret {self.url_secret}"
        if self.cloud_sql:
            return self._through_auth_proxy(secret.value, path)
        return DatabaseAddress(
            url=_readdressed(secret.value, self.host, self.port, path),
            proxy_command=tuple(self.proxy_command),
        )

    def _through_auth_proxy(self, url: Secret, path: str) -> DatabaseAddress:
        """Return the way through a proxy of this run's own: each run has its own ports."""
        from rollout.executors.tcp import own_port  # noqa: PLC0415 - as the other blocks

        port, health = own_port(self.cloud_sql), own_port(f"health of {self.cloud_sql}")
        return DatabaseAddress(
            url=_readdressed(url, LOOPBACK, port, path),
            proxy_command=cloud_sql_proxy_command(
                self.cloud_sql, port, health, is_private=self.private_ip
            ),
            proxy_ready=ready_url(health),
            proxy_key=self.gcp.key(),
        )


def _readdressed(url: Secret, host: str, port: int, path: str) -> Secret:
    """Return the URL with another host and port; what is empty or 0 stays."""
    found = _URL.match(url.reveal().strip())
    if found is None:
        raise ConfigInvalid(path, "should be postgresql://user:password@host/database")
    login, its_host, its_port, rest = found.groups(default="")
    address = (host or its_host) + (f":{port}" if port else its_port)
    return Secret(f"{login}{address}{rest}")
