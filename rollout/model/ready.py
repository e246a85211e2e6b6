"""What a deploy has at hand before it changes anything."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.migrated import Planned
from rollout.model.release import Image, Version
from rollout.model.source import Source


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything that a release is made of.

    Attributes:
        source: Its commit.
        image: Its image, which lies in the environment's registry.
        deployed: The version that it takes the place of; None before the first release.
        planned: The migrations that it needs.
        taken: The highest number that a release has on a further host of the target; 0 for none.
    """

    source: Source
    image: Image
    deployed: Version | None
    planned: Planned
    taken: int = 0
