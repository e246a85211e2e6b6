"""Machines that Compute Engine's stand-in knows for a while, and what they told."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal.documents import changing
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = "trovella-prod/us-central1-a/trovella-prod-vm"


@contextmanager
def told(*keys: str, denied: bool = False) -> Iterator[None]:
    """Let the machine have told these host keys, `ssh-ed25519 AAAA...`; afterwards it is gone."""
    kinds = dict(key.split()[:2] for key in keys)
    with changing(_file()) as document:
        document["machines"][MACHINE] = {"hostkeys": kinds, "denied": denied}
        document["asked"] = 0
    try:
        yield
    finally:
        with changing(_file()) as document:
            del document["machines"][MACHINE]


def times_asked() -> int:
    """Return how often a machine's keys were asked for since it told them."""
    with changing(_file()) as document:
        return int(document["asked"])


def _file() -> Path:
    return Path(facts()["compute_store"])
