"""Cloud SQL instances of a test's own, and what their backups are by now."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.documents import gcp_project
from deployments.facts import read_world
from infra.rehearsal.documents import changing
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.executors.backup import Backups
    from rollout.executors.process import Log

PROJECT = "trovella-prod"


def backups(log: Log = lambda _: None, **changed: Any) -> Backups:
    """Return what the project's block hands out, over Google's own client."""
    known = read_world(Path(os.environ["REHEARSAL_WORLD"])).gcp_project
    return gcp_project(known.model_copy(update=changed)).backups(log)


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance that the stand-in knows."""

    name: str

    def runs(self) -> list[dict[str, Any]]:
        """Return its backups, oldest first."""
        with changing(_file()) as document:
            return document["instances"][f"{PROJECT}/{self.name}"]["backups"]

    def change(self, **facts: Any) -> None:
        """Give it another fate, or take permissions from the caller."""
        with changing(_file()) as document:
            document["instances"][f"{PROJECT}/{self.name}"].update(facts)


@contextmanager
def instance(**facts: Any) -> Iterator[Instance]:
    """Yield an instance that works but for what `facts` say; it is gone afterwards."""
    made = Instance(f"test-{secrets.token_hex(4)}")
    with changing(_file()) as document:
        known = {"fate": "done", "denied": [], "busy": False, "backups": [], **facts}
        document["instances"][f"{PROJECT}/{made.name}"] = known
    try:
        yield made
    finally:
        with changing(_file()) as document:
            del document["instances"][f"{PROJECT}/{made.name}"]


def _file() -> Path:
    return Path(facts()["sql_store"])
