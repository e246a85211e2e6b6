"""A program that must not outlive the run that started it, however the run ends."""

from __future__ import annotations

# Its input ends with whoever holds the other end, also by SIGKILL. The kernel's own signal for a
# parent that died comes when the thread ends that started the child, which is too early.
_SCRIPT = (
    'exec 3<&0 4>&2 </dev/null 2>/dev/null; "$@" 2>&4 3<&- 4>&- & it=$!; '
    '{ read -r _ <&3; kill "$it"; } & end=$!; wait "$it"; status=$?; kill "$end"; exit "$status"'
)


def ending_with_us(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that runs a program until it ends or its own input does.

    The program itself has nothing to read. The status is the program's.

    Args:
        words: The program, which must be there, and its arguments.
    """
    return ("sh", "-c", _SCRIPT, "sh", *words)
