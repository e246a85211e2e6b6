"""A Google Cloud project and the credentials that open it."""

from __future__ import annotations

import json
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, cast

from prefect.blocks.core import Block
from prefect_gcp.credentials import GcpCredentials  # pyright: ignore[reportMissingTypeStubs]
from pydantic import Field, HttpUrl

from blocks.loading import DOCUMENTATION_URL
from rollout.errors import ConfigInvalid, RegistryError
from rollout.model.command import Secret

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

    from rollout.executors.alerts import Alerts
    from rollout.executors.backup import Backups
    from rollout.executors.process import Log
    from rollout.executors.secrets import SecretStore
    from rollout.model.target import Instance

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
# Two threads that want the same key at once would both read it: the cache alone lets them.
_READING = Lock()


class GcpProject(Block):
    """A Google Cloud project: its secrets, and short-lived tokens for what lies in it.

    Example:
        Load a saved block and read a secret:
        ```python
        from blocks.gcp_project import GcpProject

        project = GcpProject.load("BLOCK_NAME")
        secrets = project.secret_store().read(("trovella-database-url",))
        ```
    """

    _block_type_name = "GCP project"
    _block_type_slug = "gcp-project"
    _description = "A Google Cloud project: its secrets, and tokens for what lies in it."
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(DOCUMENTATION_URL)

    project: str = Field(
        pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        description="Id of the project that holds the secrets, for example `trovella-prod`.",
    )
    credentials: GcpCredentials = Field(
        description="Who asks: a service account's key, or nothing at all where the machine itself "
        "has an identity (Application Default Credentials)."
    )
    secret_manager_endpoint: str = Field(
        default="",
        description="Another address of Secret Manager, such as a regional one; empty asks "
        "Google's own.",
    )

    def is_called(self, name: str) -> bool:
        """Return whether it is what was saved under a name."""
        return self._block_document_name == name

    def access_token(self) -> Secret:
        """Return a token of about an hour.

        Raises:
            ConfigInvalid: When Google does not accept the credentials.
            RegistryError: When Google's token endpoint does not answer; it is safe to try again.

        Source: `google.auth.credentials`, google-auth 2, read 2026-11-22.
        """
        from google.auth.exceptions import (  # noqa: PLC0415 - import cost, as the others
            RefreshError,
            TransportError,
        )
        from google.auth.transport.requests import Request  # noqa: PLC0415

        from rollout.executors.google_login import refuses_login  # noqa: PLC0415

        credentials = self._google_credentials()
        try:
            credentials.refresh(Request())
        except (RefreshError, TransportError) as error:
            if refuses_login(error):
                said = f"Google refuses the credentials: {error}"
                raise ConfigInvalid(self._path(), said) from None
            raise RegistryError(
                f"Google's token endpoint did not answer: {error}",
                next_step="Check the worker's connection and start the run again.",
            ) from error
        return Secret(str(credentials.token))

    def key(self) -> Secret | None:
        """Return the service account's key, JSON; None where the machine has an identity."""
        info, file = self.credentials.service_account_info, self.credentials.service_account_file
        if info is not None:
            return Secret(json.dumps(info.get_secret_value()))
        return Secret(file.read_text()) if file else None

    def secret_store(self) -> SecretStore:
        """Return the project's Secret Manager, read through Google's own client."""
        from rollout.executors.secrets import SecretStore  # noqa: PLC0415

        client = _secret_client(self.credentials, self.secret_manager_endpoint)
        return SecretStore(self.project, client)

    def backups(self, log: Log) -> Backups:
        """Return the project's Cloud SQL backups, asked for through Google's own client.

        Args:
            log: Called with what happens.
        """
        from rollout.executors.backup import (  # noqa: PLC0415 - import cost, as the others
            REQUEST_TIMEOUT_S,
            Backups,
        )

        return Backups(self.project, self._client("sqladmin", "v1", REQUEST_TIMEOUT_S), log)

    def alerts(self) -> Alerts:
        """Return the project's alerts in Cloud Monitoring, read through Google's own client."""
        from rollout.executors.alerts import (  # noqa: PLC0415 - import cost, as the others
            REQUEST_TIMEOUT_S,
            Alerts,
        )

        return Alerts(self.project, self._client("monitoring", "v3", REQUEST_TIMEOUT_S))

    def host_key(self, instance: Instance) -> str:
        """Return the SSH host key that a machine told Google, read once in a run.

        Args:
            instance: The machine, of any project that the credentials may read.

        Raises:
            HostKeyUnknown: When Google refuses to tell, or the machine has told no key.
            HostKeyUnavailable: When Google cannot be asked now.
        """
        return _host_key(self.credentials, instance)

    def _client(self, service: str, version: str, timeout_s: float) -> Any:
        return _client(self.credentials, service, version, timeout_s)

    def _google_credentials(self) -> Any:
        return _scoped(self.credentials)

    def _path(self) -> str:
        return f"block gcp-project/{self._block_document_name or 'unsaved'}"


def _client(credentials: GcpCredentials, service: str, version: str, timeout_s: float) -> Any:
    """Return Google's client of one of its APIs; the API's description comes with it."""
    import httplib2  # noqa: PLC0415 - import cost, as the others
    from google_auth_httplib2 import (  # pyright: ignore[reportMissingTypeStubs] # noqa: PLC0415
        AuthorizedHttp,
    )
    from googleapiclient import (  # pyright: ignore[reportMissingTypeStubs] # noqa: PLC0415
        discovery,
    )

    http = httplib2.Http(timeout=timeout_s)
    secured = cast("Any", AuthorizedHttp)(_scoped(credentials), http=http)
    build: Any = cast("Any", discovery).build
    return build(service, version, http=secured, cache_discovery=False)


@lru_cache(maxsize=8)
def _secret_client(credentials: GcpCredentials, endpoint: str) -> SecretManagerServiceClient:
    """Return Google's client, one in a run: each has a connection of its own to make."""
    from google.cloud.secretmanager import (  # noqa: PLC0415 - import cost, as the others
        SecretManagerServiceClient,
    )

    return SecretManagerServiceClient(
        credentials=_scoped(credentials),
        client_options={"api_endpoint": endpoint} if endpoint else None,
    )


def _scoped(credentials: GcpCredentials) -> Any:
    from google.auth import credentials as google  # noqa: PLC0415

    return cast("Any", google).with_scopes_if_required(_found(credentials), SCOPES)


@lru_cache(maxsize=8)
def _host_key(credentials: GcpCredentials, instance: Instance) -> str:
    """Return a machine's key; a run is one process, so it is asked for once."""
    from rollout.executors.host_keys import (  # noqa: PLC0415 - import cost, as the others
        REQUEST_TIMEOUT_S,
        read_host_key,
    )

    return read_host_key(_client(credentials, "compute", "v1", REQUEST_TIMEOUT_S), instance)


def _found(credentials: GcpCredentials) -> Any:
    """Return Google's credentials, without scopes; reading a key costs 36 ms each time."""
    with _READING:
        return _read(credentials)


@lru_cache(maxsize=8)
def _read(credentials: GcpCredentials) -> Any:
    return credentials.get_credentials_from_service_account()
