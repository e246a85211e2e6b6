"""The rehearsed application's own files, committed for real, against the environment's file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.rehearsal import app
from rollout.decide.manifest import all_findings
from rollout.executors import git
from rollout.executors.files import read_environment
from rollout.executors.manifest import read_places

FILES = Path(app.__file__).parent
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def committed(folder: Path) -> None:
    for words in (("init", "-qb", "main"), ("add", "--all"), ("commit", "-qm", "first")):
        subprocess.run((*GIT, *words), cwd=folder, check=True, capture_output=True)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FILES / "template", tmp_path / "application"))


def findings(application: Path, tmp_path: Path) -> list[tuple[str, str]]:
    committed(application)
    source = git.checkout(str(application), "main", "main", tmp_path / "w", lambda _: None)
    # What a check leaves in the checkout does not count.
    Path(source.path, "apps/web/src/left.js").write_text("process.env.LEFT_BEHIND")
    settings = read_environment("rehearsal")
    return [(one.rule, one.where) for one in all_findings(read_places(source, settings), settings)]


@pytest.mark.parametrize("kind", ["plain", "next"])
def test_the_sample_application_and_its_environment_name_the_same(
    kind: str, application: Path, tmp_path: Path
):
    if kind == "next":
        shutil.copytree(FILES / "next", application, dirs_exist_ok=True)

    assert findings(application, tmp_path) == []


def test_each_place_is_read_from_the_commit(application: Path, tmp_path: Path):
    added = {
        "apps/web/src/new.js": "\nstart(process.env.SEARCH_REGION);\n",
        "infra/docker-compose.prod.yml": "# ${NO}\nx-tag: ${IMAGE_TAG}\n",
        "packages/health/src/settings.js": 'export const MORE = ["MAPS_KEY"];\n',
    }
    for name, text in added.items():
        path = application / name
        path.write_text(text + (path.read_text() if path.exists() else ""))
    (application / "apps/web/.env.example").unlink()

    assert findings(application, tmp_path) == [
        ("variable-undeclared", "apps/web/src/new.js:2"),
        ("variable-undeclared", "packages/health/src/settings.js:1"),
        ("variable-undeclared", "infra/docker-compose.prod.yml:2"),
        ("file-absent", "apps/web/.env.example"),
    ]
