"""The registry that images are pushed to and pulled from."""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from blocks.gcp_project import GcpProject
from blocks.loading import DOCUMENTATION_URL
from rollout.model.target import RegistryLogin

USERNAME = "oauth2accesstoken"
"""What Artifact Registry calls the holder of an access token.

Source: Artifact Registry, "Set up authentication for Docker", access token, read 2026-11-22.
"""


class ArtifactRegistry(Block):
    """A Docker repository in Google's Artifact Registry.

    Example:
        Load a saved block and log in:
        ```python
        from blocks.artifact_registry import ArtifactRegistry

        registry = ArtifactRegistry.load("BLOCK_NAME")
        login = registry.login()
        login.repository("web")
        ```
    """

    _block_type_name = "Artifact Registry"
    _block_type_slug = "artifact-registry"
    _description = "A Docker repository in Google's Artifact Registry."
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(DOCUMENTATION_URL)

    region: str = Field(
        default="us-central1",
        pattern=r"^[a-z]+(-[a-z]+[0-9]+)?$",
        description="Region of the repository, for example `us-central1`.",
    )
    project: str = Field(
        pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        description="Id of the project that the repository belongs to.",
    )
    repository: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,62}$", description="Name of the repository."
    )
    gcp: GcpProject = Field(description="Whose credentials ask for the token.")

    def login(self) -> RegistryLogin:
        """Return a login that lasts about an hour.

        Raises:
            ConfigInvalid: When Google does not accept the credentials.
            RegistryError: When Google's token endpoint does not answer.
        """
        return RegistryLogin(
            host=f"{self.region}-docker.pkg.dev",
            prefix=f"{self.project}/{self.repository}",
            username=USERNAME,
            token=self.gcp.access_token(),
        )
