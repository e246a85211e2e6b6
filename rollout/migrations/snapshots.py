"""Drizzle's snapshots, read for one thing only: whether two branches were merged without a merge.

Their format changed three times in 18 months, so nothing else is built on them, and what cannot be
read says nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from rollout.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDS = ("_snapshot.json", "/snapshot.json")
_ROOT = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    path: str
    id: str
    before: tuple[str, ...]


def two_heads(files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield a finding when more than one snapshot is the newest one of its line.

    A snapshot whose predecessor was deleted is no evidence: hand-written migrations have none.

    Args:
        files: Path below the migrations folder to content.
    """
    snapshots = [found for path in sorted(files) if (found := _read(path, files[path]))]
    known = {_ROOT, *(snapshot.id for snapshot in snapshots)}
    followed = {before for snapshot in snapshots for before in snapshot.before}
    heads = [
        snapshot
        for snapshot in snapshots
        if snapshot.id not in followed and known.issuperset(snapshot.before)
    ]
    if len(heads) > 1:
        yield Finding(
            "two-heads",
            f"it and {heads[0].path} were generated beside each other, neither knowing the other",
            heads[-1].path,
            "Generate the later one again on top of the earlier one.",
        )


def _read(path: str, content: bytes) -> _Snapshot | None:
    if not path.endswith(_ENDS):
        return None
    try:
        said: Any = json.loads(content)
        # Drizzle 1.0 allows for several predecessors: `prevIds`.
        before = said["prevIds"] if "prevIds" in said else [said["prevId"]]
        return _Snapshot(path, str(said["id"]), tuple(map(str, cast("list[object]", before))))
    except (ValueError, TypeError, KeyError):
        return None
