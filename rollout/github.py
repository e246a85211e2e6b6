"""The application's repository on GitHub: `[github]` of an environment's file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rollout.model.around import GITHUB_API


class GitHub(BaseModel):
    """Where commits are proposed and deployments shown.

    Attributes:
        repository: `owner/name` on GitHub.
        token: Name in Secret Manager of a token that may write contents, pull requests and
            workflows, which a revert brings back with all else, and deployments where they are
            shown. It never reaches the application.
        deployments: Whether each deploy, promotion and rollback is shown as a deployment of its
            commit; a token that is missing, or a GitHub that does not answer, keeps no run back.
        api_url: GitHub's API.
        push_to: Where branches are pushed to; empty means the repository on github.com.
        author: Who the commits are by, as `name <address>`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
    token: str
    deployments: bool = False
    api_url: Annotated[str, Field(pattern=r"^https?://")] = GITHUB_API
    push_to: str = ""
    author: Annotated[str, Field(pattern=r"^[^<>\n]+ <[^<>\s]+>$")] = (
        "trovella-deploy <trovella-deploy@users.noreply.github.com>"
    )

    @property
    def remote(self) -> str:
        """Return the address that branches are pushed to."""
        return self.push_to or f"https://github.com/{self.repository}.git"
