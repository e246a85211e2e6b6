"""Reads what containers wrote since an activation, and in a time as long before it."""

from __future__ import annotations

import gzip
from base64 import b64decode
from typing import TYPE_CHECKING

from rollout.model.command import Command, bash_script
from rollout.model.logs import Logs, LogWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

PART_BYTES = 1024 * 1024
"""What is read of one container and one window at most: its end."""
LONGEST_WINDOW_S = 900
PART_S = 4
"""How long the reading of one container and one window may take: one that says more is cut."""
TIMEOUT_S = 20.0
_OF_WINDOW = 4

# The containers are known by name, so the former release's stopped one is read too. Docker takes
# whole seconds: what was written in the present one counts.
_READ = """\
# read the logs of before and after an activation
activated=$(date -u -d "$1" +%s) || exit
now=$(date +%s) bytes=$2 longest=$3 within=$4
shift 4
length=$((now - activated))
[ "$length" -gt 0 ] || length=1
[ "$length" -le "$longest" ] || length=$longest
printf 'seconds %s\\n' "$length"
window() { # WORD SERVICE CONTAINER SINCE UNTIL
    docker inspect --format . "$3" >/dev/null 2>&1 || return
    printf '%s %s ' "$1" "$2"
    timeout "$within" docker logs --since "$4" --until "$5" "$3" 2>&1 | tail -c "$bytes" |
        gzip -c | base64 -w 0
    if [ "${PIPESTATUS[0]}" = 124 ]; then echo ' part'; else echo ' .'; fi
}
while [ "$#" -ge 3 ]; do
    [ "$2" = - ] || window now "$1" "$2" "$((now - length))" "$((now + 1))"
    [ "$3" = - ] || window before "$1" "$3" "$((activated - length))" "$activated"
    shift 3
done
"""


def read_logs_command(activated_at: str, containers: Sequence[tuple[str, str, str]]) -> Command:
    """Return the command that reads what `parse_logs` understands.

    Args:
        activated_at: When the release was made to serve, ISO 8601, by the host's clock.
        containers: For each service its name, the container that runs it now, and the one that ran
            it before; empty where there is none.
    """
    words = [word or "-" for one in containers for word in one]
    bounds = (str(PART_BYTES), str(LONGEST_WINDOW_S), str(PART_S))
    return Command(
        bash_script(_READ, activated_at, *bounds, *words), timeout_s=TIMEOUT_S, changes=False
    )


def parse_logs(stdout: str) -> Logs | None:
    """Return both windows from what `read_logs_command` wrote; None when it says no length."""
    windows: dict[str, list[LogWindow]] = {"now": [], "before": []}
    seconds = 0.0
    for line in stdout.splitlines():
        words = line.split(" ")
        if words[0] == "seconds":
            seconds = float(words[1])
        elif words[0] in windows and len(words) == _OF_WINDOW:
            raw = gzip.decompress(b64decode(words[2]))
            whole = len(raw) < PART_BYTES
            # The first line of an end is a part of one.
            text = raw if whole else raw[raw.find(b"\n") + 1 :]
            cut = not whole or words[3] == "part"
            windows[words[0]].append(LogWindow(words[1], text.decode(errors="replace"), cut))
    if not seconds:
        return None
    return Logs(seconds, tuple(windows["now"]), tuple(windows["before"]))
