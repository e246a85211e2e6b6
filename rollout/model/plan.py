"""Plans: ordered steps that are values until a host carries them out."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.command import Command, Secret


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as it shall lie on a host; a `Secret` content is never shown.

    Attributes:
        path: Absolute path on the host.
        content: Its whole text.
        mode: Permission bits, for example 0o600.
    """

    path: str
    content: Secret | str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on a host.

    Attributes:
        name: Imperative words for people and logs.
        command: What is run.
        evidence: What is read, before anything is undone, when the command fails.
        undo: What takes the step back when a later one fails before the point of no return.
        point_of_no_return: Whether the new release serves requests once this step is done.
        best_effort: Whether a failure is a warning and the plan goes on.
        next_step: What to do when it fails, as full sentences; empty means to read the evidence.
    """

    name: str
    command: Command
    evidence: tuple[Command, ...] = ()
    undo: Command | None = None
    point_of_no_return: bool = False
    best_effort: bool = False
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps; no steps means that there is nothing to do.

    Attributes:
        steps: What to do, in order.
        before: What is true while no step has passed the point of no return, as full sentences.
        after: What is true once one has.
    """

    steps: tuple[Step, ...] = ()
    before: str = ""
    after: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not self.steps

    def outline(self) -> str:
        """Return the steps' names on one line, or `nothing to do`."""
        return "; ".join(step.name for step in self.steps) or "nothing to do"

    def describe(self) -> str:
        """Return one line a step, or `nothing to do`."""
        if self.is_empty:
            return "nothing to do"
        return "\n".join(
            f"{index}. {step.name}: {step.command.display()}"
            for index, step in enumerate(self.steps, 1)
        )
