"""The root file systems of the machines, built once from the distribution's own packages.

`vm` is what a fresh VM has: an engine, sshd, sudo. `cloud` is a layer over it with what the
cloud's services and the third-party images are made of. Both lie under a folder named by their
recipe, built beside it and renamed, so what exists is complete.

Ubuntu: the same recipe with the machine's own release; not tried.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.rehearsal.paths import INSIDE
from infra.rehearsal.shell import RehearsalError, run, timed
from infra.rehearsal.sources import Distribution, choose_distribution, parse_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTER_PACKAGES: Final = {
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "git": "git",
    "ssh-keygen": "openssh-client",
    "update-ca-certificates": "ca-certificates",
    "ps": "procps",
}
"""What the machine itself must have: command, and the package that brings it."""

VM_PACKAGES: Final = (
    "ca-certificates",
    "docker-buildx",
    "docker-cli",
    "docker-compose",
    "docker.io",
    "init-system-helpers",
    "iproute2",
    "iptables",
    "mount",
    "openssh-server",
    "procps",
    "sudo",
    "sysvinit-utils",
)
CLOUD_PACKAGES: Final = (
    "busybox-static",
    "docker-registry",
    "nodejs",
    "pgbouncer",
    "postgresql-17",
    "postgresql-17-pgvector",
    "redis-server",
)


@dataclass(frozen=True, slots=True)
class Roots:
    """Built root file systems.

    Attributes:
        folder: named by the recipe.
    """

    folder: Path

    def lower(self, kind: str) -> str:
        """Return overlayfs's `lowerdir` for a `vm` or a `cloud` machine."""
        vm = self.folder / "vm"
        return str(vm) if kind == "vm" else f"{self.folder / 'cloud'}:{vm}"


def missing_packages(commands: dict[str, str]) -> tuple[str, ...]:
    """Return the packages whose command the machine lacks, in alphabetical order."""
    return tuple(sorted({package for name, package in commands.items() if not shutil.which(name)}))


def install_outer_packages() -> None:
    """Install what the machine itself lacks; what it has is not upgraded."""
    missing = missing_packages(OUTER_PACKAGES)
    if importlib.util.find_spec("ensurepip") is None:
        missing = (*missing, "python3-venv")
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with timed(f"apt: {' '.join(missing)}"):
        run(["apt-get", "-qq", "update"], env=environment)
        install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "--no-upgrade"]
        run([*install, *missing], env=environment)


def machine_distribution() -> Distribution:
    """Return what the roots are made of on this machine.

    Raises:
        RehearsalError: the machine is no Debian or Ubuntu with a mirror in its apt sources.
    """
    release = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    chosen = choose_distribution(
        release.get("ID", "").strip('"'),
        release.get("VERSION_CODENAME", "").strip('"'),
        parse_sources(texts),
    )
    if chosen is None:
        raise RehearsalError(
            "this machine's apt sources name no Debian or Ubuntu mirror for its own release",
            "Nothing was changed.",
            "Run bin/rehearse where Docker is, or on Debian 12 or newer.",
        )
    return chosen


def recipe(distribution: Distribution) -> str:
    """Return the name of the roots that these packages and scripts make."""
    scripts = b"".join((INSIDE / name).read_bytes() for name in ("finish-vm-root", "extend-root"))
    words = (*distribution.lines, *VM_PACKAGES, *CLOUD_PACKAGES, distribution.packages_of_caddy)
    return hashlib.sha256("\n".join(words).encode() + scripts).hexdigest()[:12]


def mmdebstrap_command(distribution: Distribution, folder: Path) -> tuple[str, ...]:
    """Return the command that makes the root of a fresh VM."""
    excluded = ("doc", "man", "locale", "info")
    return (
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        "--mode=root",
        "--format=directory",
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in excluded),
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        f"--include={','.join(VM_PACKAGES)}",
        f'--customize-hook={INSIDE / "finish-vm-root"} "$1"',
        distribution.release,
        str(folder),
        *distribution.lines,
    )


def unpack_command(
    release: str, lines: Sequence[str], packages: Sequence[str], folder: Path
) -> tuple[str, ...]:
    """Return the command that unpacks packages and what they need, without configuring them.

    Args:
        release: code name of the distribution's release.
        lines: its apt sources, one a line.
        packages: what to unpack.
        folder: the root that is made.
    """
    return (
        "mmdebstrap",
        "--quiet",
        "--variant=extract",
        "--mode=root",
        "--format=directory",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        f"--include={','.join(packages)}",
        release,
        str(folder),
        *lines,
    )


def build_roots(cache: Path) -> Roots:
    """Build the roots, or return the ones that this recipe made before."""
    distribution = machine_distribution()
    folder = cache / "roots" / recipe(distribution)
    if folder.exists():
        return Roots(folder)
    building = folder.with_suffix(f".{os.getpid()}")
    building.mkdir(parents=True)
    with timed(f"root of a VM ({distribution.release}, mmdebstrap)"):
        run(mmdebstrap_command(distribution, building / "vm"))
    with timed("root of the cloud (a layer over it)"):
        packages = [*CLOUD_PACKAGES, distribution.packages_of_caddy]
        run([str(INSIDE / "extend-root"), str(building), *packages])
    building.rename(folder)
    return Roots(folder)


def copy_tools(roots: Roots, cache: Path) -> Path:
    """Copy the Docker client and its plugins out of the VM's root, for the pipeline's own use.

    Returns:
        A folder with `bin/docker` and `config/cli-plugins/`, the latter fit as `DOCKER_CONFIG`.
    """
    tools = cache / "tools" / roots.folder.name
    if tools.exists():
        return tools
    building = tools.with_suffix(f".{os.getpid()}")
    plugins = building / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (building / "bin").mkdir()
    vm = roots.folder / "vm"
    shutil.copy2(vm / "usr/bin/docker", building / "bin/docker")
    for plugin in (vm / "usr/libexec/docker/cli-plugins").iterdir():
        shutil.copy2(plugin, plugins / plugin.name)
    building.rename(tools)
    return tools
