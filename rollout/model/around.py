"""Where a run works, for the commands that a diagnosis names."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

GITHUB_API = "https://api.github.com"
"""Where GitHub is asked, unless the environment's file names another."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """What a run uses of Google Cloud, as commands name it; capitals stand for unknowns.

    Attributes:
        project: Id of the project that holds the secrets and the database.
        has_sql: Whether the database is known to be an instance of Cloud SQL: the database's block
            has `cloud_sql`, or the environment's file a `backup_instance`.
        sql_instance: The Cloud SQL instance.
        database_url_in: The secret that holds the database's URL.
        scratch_url_in: The secret that holds the scratch server's URL.
        registry: Name of the repository of images.
        registry_project: Id of the project that it belongs to.
        region: Where it lies.
    """

    project: str = "PROJECT"
    sql_instance: str = "INSTANCE"
    database_url_in: str = "SECRET"
    scratch_url_in: str = "SECRET"
    registry: str = "REPOSITORY"
    registry_project: str = "PROJECT"
    region: str = "REGION"
    has_sql: bool = False

    def who_may_write(self) -> str:
        """Return the line that shows who may read and write images."""
        return (
            f"gcloud artifacts repositories get-iam-policy {self.registry} "
            f"--location={self.region} --project={self.registry_project}"
        )


@dataclass(frozen=True, slots=True)
class Code:
    """What of the application's repository a run uses; capitals stand for unknowns.

    Attributes:
        repository: Where git fetches it from, without credentials.
        branch: The branch that commits are reachable from.
        dockerfile: Path of the Dockerfile in it.
        context: Path of the build context in it.
        caddyfile: Path of the Caddyfile in it.
    """

    repository: str = "REPOSITORY"
    branch: str = "BRANCH"
    dockerfile: str = "DOCKERFILE"
    context: str = "."
    caddyfile: str = "CADDYFILE"

    def build(self, words: str) -> str:
        """Return the line that builds the image in a checkout, as one would paste it.

        Args:
            words: The words before the Dockerfile, such as `docker build`.
        """
        return f"{words} --file {shlex.quote(self.dockerfile)} {shlex.quote(self.context)}"


@dataclass(frozen=True, slots=True)
class Around:
    """Where a run works, for the commands that its diagnosis names.

    Attributes:
        environment: The environment's name.
        ssh: The words that log a person in to the host: `ssh deploy@10.0.0.2`, or gcloud's where
            only a tunnel leads there.
        through_iap: Whether one does. The worker's key fits no person then, and a person's own
            login is not the application's.
        machine: How `gcloud compute` is told the machine, `vm --project p --zone z`; empty where it
            is not Google's.
        address: The host's name or address.
        directory: The application's directory there.
        project: The compose project.
        service: The compose service that is switched.
        proxy: The compose service that runs Caddy.
        port: The port that the service should listen on.
        database: The block that holds the database's address.
        url: The public address.
        github: The application's repository on GitHub, as `owner/name`; empty when nobody said so.
        github_token: The secret that holds the token for it.
        github_api: GitHub's API.
        code: What is used of the application's repository.
        cloud: What is used of Google Cloud.
    """

    environment: str = ""
    ssh: str = "ssh HOST"
    through_iap: bool = False
    machine: str = ""
    address: str = ""
    directory: str = "/opt/trovella"
    project: str = "trovella"
    service: str = "web"
    proxy: str = "caddy"
    port: int = 3000
    database: str = ""
    url: str = ""
    github: str = ""
    github_token: str = ""
    github_api: str = GITHUB_API
    code: Code = Code()
    cloud: Cloud = Cloud()
