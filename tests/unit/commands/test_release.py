"""The folder of a release, read back."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from rollout.commands.release import NO_FOLDER, parse_release_folder, read_release_command
from rollout.model.host import ReleaseFolder
from rollout.model.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    words = read_release_command(Layout(str(folder)), 12).argv
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_what_is_there_is_read_and_the_secrets_are_not(tmp_path: Path):
    folder = tmp_path / "releases" / "12"
    folder.mkdir(parents=True)
    (folder / "docker-compose.prod.yml").write_text("services:\n  ä: {}\n")
    (folder / "Caddyfile").write_text(":80 {\n}")
    (folder / ".env").write_text("A='hunter2'\n")

    answer = run(tmp_path)

    assert parse_release_folder(answer.stdout) == ReleaseFolder(
        compose="services:\n  ä: {}\n", caddyfile=":80 {\n}"
    )
    assert "hunter2" not in answer.stdout
    assert len(answer.stdout.splitlines()) == 2


def test_the_contract_comes_along_where_there_is_one(tmp_path: Path):
    folder = tmp_path / "releases" / "12"
    folder.mkdir(parents=True)
    for name in ("docker-compose.prod.yml", "Caddyfile", "contract.json"):
        (folder / name).write_text(f"{name}\n")

    read = parse_release_folder(run(tmp_path).stdout)

    assert read == ReleaseFolder("docker-compose.prod.yml\n", "Caddyfile\n", "contract.json\n")


@pytest.mark.parametrize("half", [False, True])
def test_a_folder_that_is_not_whole_is_told(tmp_path: Path, *, half: bool):
    if half:
        (tmp_path / "releases" / "12").mkdir(parents=True)

    answer = run(tmp_path)

    assert answer.returncode == NO_FOLDER
    meaning = read_release_command(Layout("/opt/trovella"), 12).meanings[NO_FOLDER]
    assert meaning == "/opt/trovella/releases/12 does not have the files of a release"
