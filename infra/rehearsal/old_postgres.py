"""The root file system with the oldest PostgreSQL that production may have, for the tests.

Debian 12 has PostgreSQL 15, and the machine's own mirror has Debian 12. Nothing is configured in
it: `inside/postgres-server` needs the programs and their libraries only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from infra.rehearsal.paths import INSIDE
from infra.rehearsal.roots import machine_distribution, unpack_command
from infra.rehearsal.shell import run, timed

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = "15"
TRIMMING: Final = INSIDE / "trim-postgres-root"


def build_old_postgres(cache: Path) -> Path | None:
    """Build the root, or return the one that this recipe made before.

    None where the machine's own mirror has no Debian 12: the rehearsal stands without it, and the
    tests that need it say so.
    """
    distribution = machine_distribution()
    if not distribution.older:
        return None
    recipe = "\n".join((*distribution.older, VERSION)).encode() + TRIMMING.read_bytes()
    folder = cache / "postgres" / hashlib.sha256(recipe).hexdigest()[:12]
    if folder.exists():
        return folder
    building = folder.with_suffix(f".{os.getpid()}")
    building.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(building, ignore_errors=True)
    with timed(f"root with PostgreSQL {VERSION} (bookworm, mmdebstrap)"):
        packages = (f"postgresql-{VERSION}", "dash")
        run(unpack_command("bookworm", distribution.older, packages, building))
        run([str(TRIMMING), str(building)])
    building.rename(folder)
    return folder
