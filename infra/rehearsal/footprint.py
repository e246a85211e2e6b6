"""`python -m infra.rehearsal.footprint`: how the machine looks, before and after."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.rehearsal.shell import run

if TYPE_CHECKING:
    from infra.rehearsal.paths import Rehearsal

FILES: Final = ("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/resolv.conf")
TREES: Final = ("/etc/ssl", "/usr/local/share/ca-certificates", "/usr/local/bin", "/etc/docker")
NETWORK: Final = (("ip", "route"), ("ip", "-brief", "link"), ("ip", "netns"))


def look() -> dict[str, str]:
    """Return a digest or the text of everything that standing up a rehearsal must not change."""
    files = {name: _digest([Path(name)]) for name in FILES}
    trees = {name: _digest(sorted(Path(name).rglob("*"))) for name in TREES}
    network = {
        " ".join(command): "\n".join(line.rstrip() for line in run(command).splitlines())
        for command in NETWORK
        if shutil.which(command[0])
    }
    return {**files, **trees, **network}


def main() -> None:
    """Print how the machine looks from where this runs, as JSON."""
    print(json.dumps(look()))


def record_once(rehearsal: Rehearsal) -> None:
    """Keep how the machine looked before this world was first stood up."""
    file = rehearsal.state / "footprint.json"
    if not file.exists():
        file.write_text(json.dumps(look(), indent=2), encoding="utf-8")


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\n".encode())
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
