"""What an error itself is evidence of, and what else is worth looking at after it."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from rollout.commands.compose import PULL_FAILED
from rollout.commands.evidence import parse_container
from rollout.errors import (
    BackupFailed,
    BuildFailed,
    CommandFailed,
    DatabaseError,
    GitHubError,
    HostError,
    HostKeyUnknown,
    HostsBehind,
    HostUnreachable,
    LeaseHeld,
    LeaseLost,
    LedgerCorrupt,
    OutcomeUnknown,
    PushRefused,
    QualityFailed,
    Refused,
    RegistryError,
    RolloutError,
    SecretUnusable,
    VerificationFailed,
)
from rollout.model.seen import Evidence

if TYPE_CHECKING:
    from rollout.model.around import Around
    from rollout.model.command import Result

LINES = 20
"""How many last lines of a stream are evidence."""
LINE_CHARACTERS = 500
_TOLD_CHARACTERS = 300
_IMAGE = re.compile(r"\S+@sha256:[0-9a-f]{64}\Z")
_ON_HOST = ("docker", "sh", "bash", "sudo")
_NO_HOST = (HostKeyUnknown, HostsBehind, LeaseHeld, LeaseLost, LedgerCorrupt)


class Look(Enum):
    """A place worth looking at; each costs a moment, and only after a failure."""

    HOST = "the host"
    ROUTE = "the way to the host"
    OUTSIDE = "the public address"
    REGISTRY = "the registry"


def looks(error: BaseException) -> frozenset[Look]:
    """Return where to look after an error; nowhere when the error says everything.

    A host that is gone is not asked: the way to it is looked at instead.
    """
    if isinstance(error, (HostUnreachable, OutcomeUnknown)):
        return frozenset({Look.ROUTE})
    if isinstance(error, VerificationFailed):
        return frozenset({Look.HOST, Look.OUTSIDE})
    if isinstance(error, CommandFailed) and error.result.command.argv[0] in _ON_HOST:
        pull = error.result.exit_code == PULL_FAILED and bool(error.result.meaning)
        return frozenset({Look.HOST, Look.REGISTRY} if pull else {Look.HOST})
    if isinstance(error, HostError) and not isinstance(error, _NO_HOST):
        return frozenset({Look.ROUTE})
    return frozenset()


def evidence_of(error: BaseException, phase: str, around: Around) -> Evidence:
    """Return what an error itself is evidence of.

    Args:
        error: Any error; one that is none of ours is shown by its class and its first line.
        phase: The failed task's name.
        around: Where the run works.
    """
    kinds = tuple(kind.__name__ for kind in type(error).__mro__[:-3])
    if not isinstance(error, RolloutError):
        first = next(iter(str(error).splitlines()), "")
        true = f"{type(error).__name__}: {first[:_TOLD_CHARACTERS]}"
        return Evidence(phase=phase, kinds=kinds, true=true, left="", around=around)
    result = error.result if isinstance(error, CommandFailed) else None
    looked = error.looked if isinstance(error, CommandFailed) else ()
    found = (parse_container(one, _service(one)) for one in looked)
    return Evidence(
        phase=phase,
        kinds=kinds,
        true=error.true,
        left=error.left,
        next_step=error.next_step,
        words=_words(error, result),
        command=result.command.display() if result else "",
        exit_code=result.exit_code if result else None,
        reserved=result.exit_code if result and result.meaning else None,
        stdout=last_lines(result.stdout) if result else (),
        stderr=_stderr(error, result),
        sqlstate=error.sqlstate if isinstance(error, DatabaseError) else "",
        findings=error.findings if isinstance(error, (Refused, VerificationFailed)) else (),
        checks=error.checks if isinstance(error, QualityFailed) else (),
        stage=error.stage if isinstance(error, BuildFailed) else "",
        missing_arguments=error.missing_arguments if isinstance(error, BuildFailed) else (),
        secrets=error.unusable if isinstance(error, SecretUnusable) else (),
        http_status=_http_status(error),
        in_the_way=error.in_the_way if isinstance(error, PushRefused) else "",
        container=next((one for one in found if one is not None), None),
        around=around,
    )


def wanted_image(evidence: Evidence) -> str:
    """Return the image that a failed command was about; empty when there is none."""
    return next((word for word in evidence.words if _IMAGE.match(word)), "")


def last_lines(text: str) -> tuple[str, ...]:
    """Return the last lines of a stream, bounded in number and length."""
    return tuple(line[:LINE_CHARACTERS] for line in text.rstrip().splitlines()[-LINES:])


def _http_status(error: RolloutError) -> int | None:
    if isinstance(error, (RegistryError, BackupFailed, HostKeyUnknown)):
        return error.http_status
    return error.status if isinstance(error, GitHubError) else None


def _words(error: RolloutError, result: Result | None) -> tuple[str, ...]:
    if isinstance(error, BuildFailed):
        return error.words
    return result.command.argv if result else ()


def _stderr(error: RolloutError, result: Result | None) -> tuple[str, ...]:
    if isinstance(error, BuildFailed):
        return error.lines[-LINES:]
    return last_lines(result.stderr) if result else ()


def _service(result: Result) -> str:
    """Return the compose service that a container's evidence is about: its script's second word."""
    words = result.command.argv
    after = words.index("bash", 1) if "bash" in words[1:] else len(words)
    return words[after + 2] if len(words) > after + 2 else ""
