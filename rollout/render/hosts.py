"""What people read of a release's way over the hosts of a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.model.hosts import HostResult
    from rollout.model.release import Release


def host_rows(release: Release, results: Iterable[HostResult]) -> list[dict[str, str]]:
    """Return what came of a release on each host as the rows of a table, in their order."""
    return [
        {
            "host": one.block,
            f"release {release.number}": one.outcome,
            "before": f"release {one.former}" if one.former else "",
            "steps": str(one.steps),
            "round trips": str(one.round_trips),
            "seconds": f"{one.seconds:.1f}",
            "what is true": one.told,
        }
        for one in results
    ]


def told_batches(batches: tuple[tuple[str, ...], ...]) -> str:
    """Return what follows the first host, as the end of a sentence; empty where nothing does.

    Example:
        >>> told_batches((("b", "c"), ("d",)))
        ', then on b and c, then on d'
    """
    return "".join(f", then on {' and '.join(batch)}" for batch in batches)
