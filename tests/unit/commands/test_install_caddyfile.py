"""The proxy's file is put in its place as a whole, and given back as a whole."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from rollout.commands.host import install_caddyfile_command, restore_caddyfile_command
from rollout.model.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

FULL_DISK = '#!/bin/sh\n: >"$2"\necho "cp: No space left on device" >&2\nexit 1\n'


def test_what_a_full_disk_has_cut_off_never_comes_to_serve(tmp_path: Path):
    proxy, programs = tmp_path / "proxy", tmp_path / "programs"
    proxy.mkdir()
    programs.mkdir()
    (proxy / "Caddyfile").write_text("serves")
    (proxy / "Caddyfile.former").write_text("of an earlier release")
    (proxy / "Caddyfile.next").write_text("new")
    (programs / "cp").write_text(FULL_DISK)
    (programs / "cp").chmod(0o755)
    layout = Layout(str(tmp_path))
    full = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}

    installed = subprocess.run(
        install_caddyfile_command(layout).argv, env=full, capture_output=True, check=False
    )
    subprocess.run(restore_caddyfile_command(layout).argv, check=True)

    assert installed.returncode == 1
    assert (proxy / "Caddyfile").read_text() == "serves"


def test_the_former_file_is_kept_and_given_back(tmp_path: Path):
    proxy = tmp_path / "proxy"
    proxy.mkdir()
    (proxy / "Caddyfile").write_text("former")
    (proxy / "Caddyfile.next").write_text("new")
    layout = Layout(str(tmp_path))

    subprocess.run(install_caddyfile_command(layout).argv, check=True)
    assert (proxy / "Caddyfile").read_text() == "new"

    subprocess.run(restore_caddyfile_command(layout).argv, check=True)
    assert (proxy / "Caddyfile").read_text() == "former"
