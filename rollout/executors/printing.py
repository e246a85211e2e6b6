"""A host that only tells what would be run: the dry run, and the double in tests of wiring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.batch import Begun, Ended
from rollout.errors import CommandFailed
from rollout.model.command import Command, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rollout.model.plan import Step


class PrintingHost:
    """Answers every command with success, and remembers it.

    Args:
        log: Called with each line that would be run, secrets left out.
        answers: What a command is answered instead; None for a command means success.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        answers: Callable[[Command], Result | None] = lambda _: None,
    ) -> None:
        self.log = log
        self.commands: list[Command] = []
        self._answers = answers

    def run(self, command: Command) -> Result:
        """Return success, or what `answers` says."""
        self.commands.append(command)
        self.log(f"would run: {command.display()}")
        return self._answers(command) or Result(command, 0, "", "", 0.0)

    def run_all(self, steps: Sequence[Step]) -> Iterator[Begun | Ended]:
        """Tell what each step would run, until one fails that is not best-effort."""
        for number, step in enumerate(steps):
            yield Begun(number)
            try:
                result = self.run(step.command)
            except CommandFailed as error:
                result = error.result
            yield Ended(number, result)
            if not (result.ok or step.best_effort):
                return
