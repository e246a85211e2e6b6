"""This project's own files: the environments in `deployments/`, and where a worker keeps things."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rollout.config import Environment, parse_environment
from rollout.errors import ConfigInvalid

ENVIRONMENTS = Path(__file__).parents[2] / "deployments"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")


def read_environment(name: str, folder: Path = ENVIRONMENTS) -> Environment:
    """Return the environment that `<name>.toml` describes.

    Args:
        name: The environment's name; it reaches us from a form, so it is checked first.
        folder: Where the files lie.

    Raises:
        ConfigInvalid: When the name is no name, there is no such file, the file does not fit, or
            it describes another environment.
    """
    if not _NAME.match(name):
        raise ConfigInvalid("environment", f"should be lower-case letters and digits, not {name!r}")
    path = folder / f"{name}.toml"
    shown = f"{folder.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise ConfigInvalid("environment", f"{shown} does not exist; known are {known}") from None
    environment = parse_environment(shown, text)
    if environment.name != name:
        raise ConfigInvalid(shown, f"name should be {name!r}, not {environment.name!r}")
    return environment


def workspace(environment: str) -> Path:
    """Return the folder in which this worker keeps mirrors and checkouts of an environment.

    It lies in `TROVELLA_WORKSPACE`, else in the user's cache folder; losing it costs time only.
    """
    home = os.environ.get("TROVELLA_WORKSPACE")
    base = Path(home) if home else Path.home() / ".cache" / "trovella-deploy"
    return base / environment


def read_migrations(folder: Path) -> dict[str, bytes]:
    """Return what a migrations folder says: its journal and its SQL, without the snapshots.

    Returns:
        Path below the folder to content; empty when there is nothing of the kind.

    Raises:
        ConfigInvalid: When it is no folder, or a file cannot be read.
    """
    if not folder.is_dir():
        raise ConfigInvalid(str(folder), "should be a folder of migrations")
    found = (*folder.glob("meta/_journal.json"), *folder.glob("*.sql"), *folder.glob("*/*.sql"))
    try:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    except OSError as error:
        raise ConfigInvalid(str(folder), f"cannot be read: {error.strerror}") from None
