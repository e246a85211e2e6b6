"""What Prefect's image is built from in production: the rehearsal builds it without a network."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "infra/prefect/Dockerfile").read_text()
LET_IN = tuple(
    line[1:]
    for line in (ROOT / "infra/prefect/Dockerfile.dockerignore").read_text().splitlines()
    if line.startswith("!")
)
COPIED = tuple(
    name
    for words in re.findall(r"^COPY (?!--from|\. )(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for name in words.split()
)


def test_the_files_that_are_copied_are_known():
    assert "bin/setup" in COPIED
    assert "requirements.lock" in COPIED


@pytest.mark.parametrize("name", COPIED)
def test_what_is_copied_is_let_in(name: str):
    assert (ROOT / name).exists()
    assert any(name == one or name.startswith(f"{one}/") for one in LET_IN)


def test_what_is_copied_first_is_all_that_the_environment_is_made_with(tmp_path: Path):
    """`bin/setup` finds what it sources, and that what the lock file wants is there already."""
    for name in COPIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    wanted = b"".join(
        (tmp_path / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")
    )
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.installed").write_text(hashlib.sha256(wanted).hexdigest())

    done = subprocess.run([tmp_path / "bin/setup"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
