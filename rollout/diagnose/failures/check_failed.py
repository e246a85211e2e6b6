"""One of the application's own checks did not pass, or ours of what its files declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.manifest import CHECK
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import CheckSeen, Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.checks:
        return None
    theirs = tuple(one for one in evidence.checks if one.name != CHECK)
    if not theirs:
        return _of_the_manifest(evidence)
    ours = len(theirs) < len(evidence.checks)
    first = theirs[0]
    names = ", ".join(one.name for one in evidence.checks)
    late = first.state == "timed out"
    also = f" {CHECK} is no command: the last line says what does not fit." if ours else ""
    return Told(
        cause=f"{names} took too long" if late else f"the code does not pass {names}",
        seen=f"{first.name}: {last(_own(first.lines))}",
        next_step=f"Run it in a checkout, correct the code, and merge.{also}",
        commands=(*_where(theirs, evidence), *((evidence.doctor,) if ours else ())),
        retry=Retry.AFTER if late else Retry.USELESS,
        impact=SERVES_ON,
    )


def _of_the_manifest(evidence: Evidence) -> Told:
    """Return what is told where no command failed: most of it is mended without a new commit."""
    (check,) = evidence.checks
    file = f"deployments/{evidence.around.environment}.toml"
    return Told(
        cause=f"what the commit's files name and what {file} declares do not agree",
        seen=f"{check.name}: {last(check.lines)}",
        next_step="Correct what each line names. Where that is the environment's file, the same "
        "commit goes as soon as the worker has the new one (docs/environment.md, Afterwards); "
        "where it is one of the commit's own files, merge it and deploy that.",
        commands=(evidence.doctor,),
        retry=Retry.AFTER,
        impact=SERVES_ON,
    )


def _where(checks: tuple[CheckSeen, ...], evidence: Evidence) -> tuple[str, ...]:
    file = f"deployments/{evidence.around.environment}.toml"
    return tuple(f"grep -n -A2 'name = \"{one.name}\"' {file}" for one in checks)


def _own(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the check itself wrote: our own account of its end is the last line."""
    return lines[:-1] or lines


FAILURE = Failure("check-failed", _look)
