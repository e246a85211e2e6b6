"""Provide packages of Node.js, such as the Next.js application's, where there is no network.

The packages are fetched once, outside, by npm itself into a cache of its own; the pipeline's npm is
told by its `~/.npmrc` to take them from there and nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal.app import kinds
from infra.rehearsal.shell import RehearsalError, tail

if TYPE_CHECKING:
    from collections.abc import Iterator

_WEB = "apps/web/"
NEEDED = ("package.json", "package-lock.json", ".npmrc")
"""What a project's packages are installed by."""
_TIMEOUT_S = 600


def provide(cache: Path, home: Path) -> None:
    """Make sure that a home folder's npm finds the packages of the `next` kind without a network.

    Args:
        cache: folder that is kept between rehearsals; packages lie there by the lock file's hash.
        home: home folder of who builds; its `.npmrc` is written.

    Raises:
        RehearsalError: no npm on PATH runs, or it could not fetch the packages.
    """
    application = kinds.load("next")
    packages = fetched(cache, {name: application[_WEB + name].content for name in NEEDED})
    home.mkdir(parents=True, exist_ok=True)
    (home / ".npmrc").write_text(f"cache={packages}\noffline=true\n")


def fetched(cache: Path, needed: dict[str, bytes]) -> Path:
    """Return the folder that npm takes as its cache to install a project without a network.

    Args:
        cache: folder that is kept between rehearsals; packages lie there by the lock file's hash.
        needed: the project's files of `NEEDED`, by name.

    Raises:
        RehearsalError: no npm on PATH runs, or it could not fetch the packages.
    """
    packages = cache / hashlib.sha256(b"\0".join(needed.values())).hexdigest()[:16]
    if not packages.is_dir():
        _fetch(needed, packages)
    return packages


def find_npm() -> Path | None:
    """Return the first npm on PATH that runs; None when there is none.

    A Node.js that came as a Python wheel brings a launcher without the program behind it.
    """
    return next((npm for npm in _candidates() if _runs(npm)), None)


def _candidates() -> Iterator[Path]:
    for folder in os.get_exec_path():
        found = shutil.which("npm", path=folder)
        if found:
            yield Path(found)


def _runs(npm: Path) -> bool:
    return subprocess.run([npm, "--version"], capture_output=True, check=False).returncode == 0


def _fetch(needed: dict[str, bytes], packages: Path) -> None:
    """Fill a cache beside its place and move it there when it is whole."""
    npm = find_npm()
    if npm is None:
        raise RehearsalError(
            "no npm on PATH runs, and packages of Node.js are fetched by it",
            "Nothing was changed.",
            "Install the distribution's package `npm`, or rehearse with `--app plain`.",
        )
    packages.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=packages.parent) as folder:
        project, filled = Path(folder) / "project", Path(folder) / "filled"
        project.mkdir()
        for name, content in needed.items():
            (project / name).write_bytes(content)
        _install(npm, project, filled)
        filled.rename(packages)


def _install(npm: Path, project: Path, cache: Path) -> None:
    command = (npm, "install", "--no-save", "--ignore-scripts", "--cache", cache)
    done = subprocess.run(
        command, cwd=project, timeout=_TIMEOUT_S, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RehearsalError(
            f"`npm install` ended with {done.returncode}: {tail(done.stderr)}",
            "Nothing was kept of it.",
            "Mend what npm names above and run the same command again.",
        )
