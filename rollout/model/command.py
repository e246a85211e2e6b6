"""Commands and what they answered, as values."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Literal

MASK = "********"
DEFAULT_TIMEOUT_S = 60.0


class Secret:
    """Text that must not be seen; masked wherever it is shown, unwrapped by executors only.

    It is no dataclass, so that nothing turns it into JSON by its fields, and it leaves its text
    behind when it is pickled: an error that Prefect stores may carry one.

    Example:
        >>> Secret("hunter2")
        Secret('********')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)

    def reveal(self) -> str:
        """Return the text itself; only executors and `render.env` may ask."""
        return self._text


@dataclass(frozen=True, slots=True)
class Command:
    """One program to run, here or on a host.

    Attributes:
        argv: The program and its arguments. Secrets never stand here: a process list shows it.
        stdin: What is written to its standard input; None means nothing.
        timeout_s: How long it may take, in seconds.
        changes: Whether it may change something; False lets it be repeated after a cut.
        meanings: What its reserved exit statuses mean, as lower-case fragments.
    """

    argv: tuple[str, ...]
    stdin: Secret | str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    changes: bool = True
    meanings: dict[int, str] = field(default_factory=dict[int, str], compare=False)

    def shell(self) -> str:
        """Return the line that a POSIX shell would run.

        Example:
            >>> Command(("echo", "two words")).shell()
            "echo 'two words'"
        """
        return shlex.join(self.argv)

    def display(self) -> str:
        """Return the line as shown to people: scripts are cut to their first line."""
        return shlex.join(_first_line(word) for word in self.argv)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command answered; `exit_code` is that of the program."""

    command: Command
    exit_code: int
    stdout: str
    stderr: str
    duration_s: float

    @property
    def ok(self) -> bool:
        """Return whether the program ended with status zero."""
        return self.exit_code == 0

    @property
    def meaning(self) -> str:
        """Return what its exit status means; empty where the command reserves none."""
        return self.command.meanings.get(self.exit_code, "")

    def tail(self, lines: int, stream: Literal["stdout", "stderr"] = "stdout") -> str:
        """Return the last `lines` lines of one stream; empty when nothing was written."""
        return "\n".join(getattr(self, stream).rstrip().splitlines()[-lines:])


def script(text: str, *arguments: str) -> tuple[str, ...]:
    """Return the words that run a shell script with arguments as `$1`, `$2` and so on.

    Values reach the script as arguments, so nothing is ever pasted into its text.
    """
    return ("sh", "-euc", text, "sh", *arguments)


def bash_script(text: str, *arguments: str) -> tuple[str, ...]:
    """Return the words that run a script that needs bash: its `read -t`, arrays or sockets.

    It goes on after a command that fails, so it says itself what a failure means.
    """
    return ("bash", "-uc", text, "bash", *arguments)


def _first_line(word: str) -> str:
    first, *more = word.strip().splitlines() or [""]
    return f"{first} ..." if more else word
