"""Reads the folder of one release, so that another one can be made from it."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from rollout.model import layout as names
from rollout.model.command import Command, script
from rollout.model.host import ReleaseFolder

if TYPE_CHECKING:
    from rollout.model.layout import Layout

NO_FOLDER = 78

# The environment file is left out: what it holds is never read back.
_READ = f"""\
# read the files of a release
cd "$1" 2>/dev/null || exit {NO_FOLDER}
for name in {names.COMPOSE} {names.CADDYFILE}; do
    text=$(base64 -w 0 "$name") || exit {NO_FOLDER}
    printf '%s %s\\n' "$name" "$text"
done
[ ! -f {names.CONTRACT} ] || printf '%s %s\\n' {names.CONTRACT} "$(base64 -w 0 {names.CONTRACT})"
"""


def read_release_command(layout: Layout, number: int) -> Command:
    """Return the command that reads what `parse_release_folder` understands."""
    folder = layout.release(number)
    return Command(
        script(_READ, folder),
        changes=False,
        meanings={NO_FOLDER: f"{folder} does not have the files of a release"},
    )


def parse_release_folder(stdout: str) -> ReleaseFolder:
    """Return what `read_release_command` wrote."""
    said = dict(line.split(" ", 1) for line in stdout.splitlines())
    texts = {name: b64decode(text).decode() for name, text in said.items()}
    return ReleaseFolder(
        compose=texts[names.COMPOSE],
        caddyfile=texts[names.CADDYFILE],
        contract=texts.get(names.CONTRACT, ""),
    )
