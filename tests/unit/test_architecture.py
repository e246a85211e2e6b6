"""What the house promises of itself: names that agree, nothing that hides an installed module."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED_BY_PATH = ("flows", "tasks", "blocks", "deployments")


def _modules(folder: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / folder).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("folder", LOADED_BY_PATH)
def test_no_module_hides_an_installed_one(folder: str):
    """Prefect may put a flow's folder first on the path: then `docker.py` would hide docker."""
    installed = set(packages_distributions()) | set(sys.stdlib_module_names)

    assert [name for name in _modules(folder) if name in installed] == []


def test_every_package_is_listed_for_the_build():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("rollout", *LOADED_BY_PATH)
        for path in (ROOT / top).rglob("__init__.py")
    }

    assert listed == found


def test_the_fixed_top_level_is_there():
    for name in (
        "pyproject.toml",
        "prefect.yaml",
        "flows",
        "tasks",
        "blocks",
        "deployments",
        "tests",
        "infra",
        "README.md",
        "DECISIONS.md",
        "CHANGELOG.md",
        "LICENSE",
    ):
        assert (ROOT / name).exists(), name
