"""What GitHub is told of a deployment, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["success", "failure", "inactive"]
Stage = Literal["in_progress"] | Outcome


@dataclass(frozen=True, slots=True)
class Announcement:
    """A deployment of one commit by one run; the same run announces the same one again.

    Attributes:
        sha: The commit, 40 hexadecimal digits.
        environment: The environment's name.
        run_id: The run's id: what the deployment is found again by.
        run_url: The run's page; empty where it has none.
        url: Where the application is seen.
        what: What the run does, such as `deploy` or `rollback`.
    """

    sha: str
    environment: str
    run_id: str
    run_url: str
    url: str
    what: str
