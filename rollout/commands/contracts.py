"""Reads what a host keeps of its releases' schema contracts, all of them in one round trip."""

from __future__ import annotations

import gzip
from base64 import b64decode
from typing import TYPE_CHECKING

from rollout.commands.host import NOT_PREPARED, parse_host
from rollout.model import layout as names
from rollout.model.command import Command, script
from rollout.model.host import StoredContracts

if TYPE_CHECKING:
    from rollout.model.layout import Layout

# Lines as `parse_host` knows them, and one for each contract: those are long, and alike throughout.
_READ = f"""\
# read the schema contract of each release
cd "$1" 2>/dev/null || exit {NOT_PREPARED}
[ ! -f proxy/live ] || printf 'live %s\\n' "$(cat proxy/live)"
[ ! -f ledger.jsonl ] || printf 'ledger %s\\n' "$(base64 -w 0 ledger.jsonl)"
for file in releases/*/{names.RELEASE}; do
    [ ! -f "$file" ] || printf 'release %s %s\\n' "$file" "$(base64 -w 0 "$file")"
done
for file in releases/*/{names.CONTRACT}; do
    [ ! -f "$file" ] || printf 'contract %s %s\\n' "$file" "$(gzip -c "$file" | base64 -w 0)"
done
for file in releases/*/{names.DERIVED}; do
    [ ! -f "$file" ] || printf 'derived %s %s\\n' "$file" "$(gzip -c "$file" | base64 -w 0)"
done
"""
_KEEP = f"""\
# keep the contract that was derived of a release
cd "$1"
cat >{names.DERIVED}.new
sync {names.DERIVED}.new
mv -f {names.DERIVED}.new {names.DERIVED}
"""


def read_contracts_command(layout: Layout) -> Command:
    """Return the command that reads what `parse_contracts` understands."""
    return Command(
        script(_READ, layout.directory),
        changes=False,
        meanings={NOT_PREPARED: f"there is no {layout.directory}: the host was never prepared"},
    )


def parse_contracts(stdout: str) -> StoredContracts:
    """Return a host's releases and contracts from what `read_contracts_command` wrote."""
    texts: dict[str, dict[int, str]] = {"contract": {}, "derived": {}}
    for line in stdout.splitlines():
        word, _, value = line.partition(" ")
        path, _, packed = value.partition(" ")
        # A folder that is being removed may give a line without a text.
        if word in texts and packed and (number := path.split("/")[1]).isdecimal():
            text = gzip.decompress(b64decode(packed)).decode(errors="replace")
            texts[word][int(number)] = text
    return StoredContracts(parse_host(stdout), texts["contract"], texts["derived"])


def keep_derived_command(layout: Layout, number: int, text: str) -> Command:
    """Return the command that keeps a derived contract in the folder of its release.

    The release's own description stays as it is: that it was deployed without a contract is true.

    Args:
        layout: Where the application lies.
        number: The release; its folder is there.
        text: The contract's text.
    """
    return Command(script(_KEEP, layout.release(number)), stdin=text)
