"""What a promotion takes from one environment to another."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.release import Image, Version


@dataclass(frozen=True, slots=True)
class Promoted:
    """A release that is verified in the environment that it comes from.

    Attributes:
        source: That environment.
        number: The release's number there.
        version: Its commit.
        image: Its image there.
    """

    source: str
    number: int
    version: Version
    image: Image

    @property
    def told(self) -> str:
        """Return how people read of it, as a fragment."""
        return f"release {self.number} of {self.source} ({self.version.short})"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a promotion would change; what a person approves, and no other, is done.

    Attributes:
        deployed: The version that it takes the place of; None before the first release.
        migrations: Tags of the migrations that would be applied, in order.
    """

    deployed: Version | None
    migrations: tuple[str, ...]
