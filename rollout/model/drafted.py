"""A corrective migration that may be offered, as tasks hand it on."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.proposal import Proposal
from rollout.model.release import Version


@dataclass(frozen=True, slots=True)
class Drafted:
    """A corrective migration with what it was drafted for.

    Attributes:
        release: The release whose code is to serve again.
        commit: The branch's commit whose migrations it joins.
        files: Path below the migrations folder to text; never empty.
        tag: What the migration is called.
        proposal: The commit and the pull request that bring it to the branch.
    """

    release: int
    commit: Version
    files: dict[str, str]
    tag: str
    proposal: Proposal
