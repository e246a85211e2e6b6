"""The root file system with the browser that looks at Prefect's UI, for the tests and the pictures.

It is the distribution's own headless Chromium, unpacked and not configured: nothing of it is
installed on the machine, and no browser is downloaded from elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from typing import TYPE_CHECKING, Final

from infra.rehearsal.paths import INSIDE, Rehearsal
from infra.rehearsal.roots import machine_distribution, unpack_command
from infra.rehearsal.shell import run, timed

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES: Final = ("chromium-headless-shell", "dash", "fonts-dejavu-core")
FINISHING: Final = INSIDE / "finish-browser-root"
PROGRAM: Final = "chromium"


def build_browser(cache: Path) -> Path:
    """Build the root, or return the one that this recipe made before."""
    distribution = machine_distribution()
    recipe = "\n".join((*distribution.lines, *PACKAGES)).encode() + FINISHING.read_bytes()
    folder = cache / "browser" / hashlib.sha256(recipe).hexdigest()[:12]
    if folder.exists():
        return folder
    building = folder.with_suffix(f".{os.getpid()}")
    building.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(building, ignore_errors=True)
    with timed(f"root with Chromium ({distribution.release}, mmdebstrap)"):
        run(unpack_command(distribution.release, distribution.lines, PACKAGES, building))
        run([str(FINISHING), str(building)])
    building.rename(folder)
    return folder


def provide_browser(rehearsal: Rehearsal) -> None:
    """Build the root, while there is a network, and write the program that starts the browser."""
    words = shlex.join((str(INSIDE / "browser"), str(build_browser(rehearsal.cache))))
    program = program_of(rehearsal)
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def program_of(rehearsal: Rehearsal) -> Path:
    """Return the program that starts the browser; it is there once the world stands undeployed."""
    return rehearsal.state / "bin" / PROGRAM
