"""The application's database, as the worker reaches it."""

from __future__ import annotations

import re
from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from blocks.gcp_project import GcpProject
from blocks.loading import DOCUMENTATION_URL
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
    proxy_command: list[str] = Field(
        default=[],
        description="A program and its arguments to run while connected, such as the Cloud SQL "
        "Auth Proxy; none connects directly.",
    )
    gcp: GcpProject = Field(description="The project whose Secret Manager holds the URL.")

    def address(self) -> DatabaseAddress:
        """Return how to connect, with the URL's newest version.

        Raises:
            SecretUnusable: When the URL's secret is missing, disabled, empty or forbidden.
            ConfigInvalid: When the secret is no PostgreSQL URL.
        """
        secret = self.gcp.secret_store().read((self.url_secret,))[self.url_secret]
        return DatabaseAddress(
            url=_readdressed(secret.value, self.host, self.port, f"secret {self.url_secret}"),
            proxy_command=tuple(self.proxy_command),
        )


def _readdressed(url: Secret, host: str, port: int, path: str) -> Secret:
    """Return the URL with another host and port; what is empty or 0 stays."""
    found = _URL.match(url.reveal().strip())
    if found is None:
        raise ConfigInvalid(path, "should be postgresql://user:password@host/database")
    login, its_host, its_port, rest = found.groups(default="")
    address = (host or its_host) + (f":{port}" if port else its_port)
    return Secret(f"{login}{address}{rest}")
