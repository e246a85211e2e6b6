"""Carries plans out: steps in order, evidence before undo, the first error wins.

What programs wrote leaves this file only with the secrets in it hidden: it goes into logs and into
errors, which Prefect keeps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from rollout.commands.batch import Begun, Ended
from rollout.commands.evidence import without_lines
from rollout.errors import CommandFailed, HostError, HostUnreachable, LeaseLost, evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rollout.errors import RolloutError
    from rollout.model.command import Command, Result
    from rollout.model.plan import Plan, Step

_READ_ABOVE = "Read the output above and see to its cause."
_NOT_RUN = "The rest of the plan was not run. "
_CUT = "What the command did is unknown. "


class Runs(Protocol):
    """What carries out commands: a host, or one that only prints them."""

    log: Callable[[str], None]

    def run(self, command: Command) -> Result:
        """Run a command; never raise because of its exit status."""
        ...

    def run_all(self, steps: Sequence[Step]) -> Iterator[Begun | Ended]:
        """Run the commands of steps until one fails that is not best-effort."""
        ...


class _Shown:
    """What programs wrote, as it may be shown; what hides secrets in it is made for the first."""

    def __init__(self, hiding: Callable[[], Callable[[str], str] | None] | None) -> None:
        self._hiding = hiding
        self._mask: Callable[[str], str] | None = None
        self._is_made = False

    def of(self, result: Result) -> Result:
        """Return an answer with its secrets hidden, or without its text where nothing can."""
        if self._hiding is None:
            return result
        if not self._is_made:
            self._mask, self._is_made = self._hiding(), True
        mask = self._mask
        if mask is None:
            return without_lines(result)
        return replace(result, stdout=mask(result.stdout), stderr=mask(result.stderr))

    def told(self, error: RolloutError) -> str:
        """Return what an error says; that of a command shows the last lines of it."""
        if not isinstance(error, CommandFailed):
            return error.true
        what = error.true.splitlines()[0]
        return f"{what}\n{evidence(self.of(error.result))}"


def carry_out(
    plan: Plan, host: Runs, hiding: Callable[[], Callable[[str], str] | None] | None = None
) -> tuple[Result, ...]:
    """Run a plan's steps in order and return what they answered.

    A step that fails ends the plan. Its evidence is read first. Then, unless the point of no return
    is passed, what was done is taken back, last step first; the failed step too, because it may
    have done half of its work.

    Args:
        plan: What to do.
        host: Where to do it.
        hiding: Returns what hides the secrets in a text; None where they are not known, and then
            no text is shown. It is called once something failed, and only then. Without it texts
            are shown as they are: for plans that no secret has to do with.

    Raises:
        CommandFailed: When a step failed. `left` says what serves, and names the exact command for
            whatever could not be taken back.
        LeaseLost: When somebody else has the target by now; nothing is taken back then either.
        HostError: When the host was lost; nothing is taken back then, because the command that was
            under way may go on. The next run reads the facts and goes on from there.
    """
    done: list[Step] = []
    results: list[Result] = []
    begun = 0
    shown = _Shown(hiding)
    try:
        for said in host.run_all(plan.steps):
            step = plan.steps[said.number]
            begun = said.number
            if isinstance(said, Begun):
                host.log(step.name)
                continue
            results.append(said.result)
            if said.result.ok:
                done.append(step)
            elif step.best_effort:
                told = said.result.meaning or evidence(shown.of(said.result))
                host.log(f"warning: {step.name}: {told}")
            else:
                raise _failure(step, said.result, plan, done, host, shown)
    except HostError as error:
        raise error.leaving(_left(error, plan, done, begun)) from error
    return tuple(results)


def _left(error: HostError, plan: Plan, done: list[Step], begun: int) -> str:
    """Return what was left when the host was lost: it may go on with the plan by itself."""
    if isinstance(error, LeaseLost):
        return error.left
    standing = plan.after if _passed(done) else plan.before
    if isinstance(error, HostUnreachable):
        return f"{_NOT_RUN}{standing}"
    to_come = plan.steps[begun:]
    if not _passed(done) and any(step.point_of_no_return for step in to_come):
        standing = f"{plan.before[:-1]}, or it was switched since."
    return f"{_CUT}{standing}"


def _failure(
    step: Step, result: Result, plan: Plan, done: list[Step], host: Runs, shown: _Shown
) -> CommandFailed:
    seen, looked = _evidence(step, host, shown)
    trouble = [] if _passed(done) else _take_back([*done, step], host, shown)
    standing = [plan.after if _passed(done) else plan.before, *trouble]
    what = ": ".join(filter(None, (step.name, result.meaning)))
    return CommandFailed(
        what,
        shown.of(result),
        left=" ".join(filter(None, standing)) or "The steps before it were done.",
        next_step=step.next_step or _READ_ABOVE,
        seen=seen,
        looked=looked,
    )


def _passed(done: list[Step]) -> bool:
    return any(step.point_of_no_return for step in done)


def _evidence(step: Step, host: Runs, shown: _Shown) -> tuple[str, tuple[Result, ...]]:
    """Return what is seen where a step failed; a failure to look is part of it."""
    seen: list[str] = []
    looked: list[Result] = []
    for command in step.evidence:
        try:
            result = shown.of(host.run(command))
        except (HostError, CommandFailed) as error:
            seen.append(f"`{command.display()}`: {shown.told(error)}")
            continue
        looked.append(result)
        seen.append(f"`{command.display()}`\n{(result.stdout + result.stderr).rstrip()}")
    for text in seen:
        host.log(text)
    return "\n".join(seen), tuple(looked)


def _take_back(steps: list[Step], host: Runs, shown: _Shown) -> list[str]:
    """Undo steps, last first, and return a sentence for each that could not be."""
    trouble: list[str] = []
    for step in reversed(steps):
        if step.undo is None:
            continue
        host.log(f"take back: {step.name}")
        try:
            result = host.run(step.undo)
            problem = "" if result.ok else evidence(shown.of(result))
        except (HostError, CommandFailed) as error:
            problem = shown.told(error)
        if problem:
            host.log(f"could not take back: {problem}")
            trouble.append(
                f"Could not take back `{step.name}`; run on the host: {step.undo.shell()}"
            )
    return trouble
