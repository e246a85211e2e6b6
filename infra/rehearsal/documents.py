"""A stand-in's memory: one JSON document that its server and a test may both change."""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def changing(path: Path) -> Iterator[dict[str, Any]]:
    """Give the document as it is now; what was changed in it is written back, atomically."""
    with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        before = deepcopy(document)
        yield document
        if document != before:
            made = path.with_suffix(".new")
            made.touch(mode=0o600)
            made.write_text(json.dumps(document, indent=2), encoding="utf-8")
            made.replace(path)
