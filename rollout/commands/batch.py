"""Many commands as one program on the host: a plan costs one round trip, not one a step.

The program is told its commands on standard input, a line each, before the first one runs: a limit
in seconds, whether a failure ends the rest, the words and the input, both in base64. Secrets
travel there and nowhere else. It writes `begin N` and `end N STATUS SECONDS STDOUT STDERR`, the
streams in base64, as things happen.

When the lease is no longer held, because its owner died, it stops before the next command.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.model.command import Command, Result, Secret, bash_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.model.plan import Step

NOTHING = "-"

# What a command writes is kept in two files without a name: they are gone with the program, however
# it ends. A trap that removes named ones can be cut short by the next signal.
_BATCH = """\
# carry out a plan, one command after the other
seen=$(mktemp /dev/shm/plan.XXXXXX) && exec 3<>"$seen" && rm "$seen" || exit
seen=$(mktemp /dev/shm/plan.XXXXXX) && exec 4<>"$seen" && rm "$seen" || exit
out=/proc/self/fd/3 err=/proc/self/fd/4
number=0
text() { base64 --wrap=0 "$1"; [ -s "$1" ] || printf -- -; }
while IFS=' ' read -r limit needed words input; do
    [ -z "$1" ] || ! flock --shared --nonblock "$1/lock" true || exit "$2"
    printf 'begin %s\\n' "$number"
    mapfile -d '' -t argv < <(printf %s "$words" | base64 --decode)
    [ "$input" != - ] || input=
    began=${EPOCHREALTIME/[.,]/}
    printf %s "$input" | base64 --decode |
        timeout --kill-after=5 "$limit" "${argv[@]}" >"$out" 2>"$err" 3>&- 4>&-
    status=${PIPESTATUS[2]}
    took=$((${EPOCHREALTIME/[.,]/} - began))
    printf 'end %s %s %s %s %s\\n' "$number" "$status" "$took" \\
        "$(text "$out")" "$(text "$err")"
    [ "$status" = 0 ] || [ "$needed" = 0 ] || exit 0
    number=$((number + 1))
done
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """The program says that a step's command has begun."""

    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The program says what a step's command answered."""

    number: int
    result: Result


def batch_command(steps: Sequence[Step], lease: str = "", unheld: int = 0) -> Command:
    """Return the program that carries out steps until one fails that is not best-effort.

    Args:
        steps: What to do.
        lease: The folder of the lease that must be held before each step; empty asks for none.
        unheld: Its exit status when it is not.
    """
    return Command(
        bash_script(_BATCH, lease, str(unheld)),
        stdin=Secret("".join(map(_line, steps))),
        timeout_s=sum(step.command.timeout_s for step in steps),
    )


def parse_said(line: str, steps: Sequence[Step]) -> Begun | Ended:
    """Return what a line of the program says."""
    word, number, *more = line.split(" ")
    if word == "begin":
        return Begun(int(number))
    status, micros, out, err = more
    command = steps[int(number)].command
    result = Result(command, int(status), _text(out), _text(err), int(micros) / 1e6)
    return Ended(int(number), result)


def _line(step: Step) -> str:
    command = step.command
    words = "".join(f"{word}\0" for word in command.argv)
    stdin = command.stdin.reveal() if isinstance(command.stdin, Secret) else command.stdin
    needed = int(not step.best_effort)
    return f"{command.timeout_s:g} {needed} {_packed(words)} {_packed(stdin or '')}\n"


def _packed(text: str) -> str:
    return b64encode(text.encode()).decode() or NOTHING


def _text(packed: str) -> str:
    return "" if packed == NOTHING else b64decode(packed).decode(errors="replace")
