"""Decides what the variables of the checks are, and what their outcome amounts to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rollout.errors import ConfigInvalid, QualityFailed
from rollout.manifest import CHECK
from rollout.model.seen import CheckSeen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.config import Check, Quality

CheckState = Literal["passed", "failed", "timed out", "not run"]
MESSAGE_LINES = 15
"""How many of a failed check's last lines stand in the error."""
_REFERENCE = re.compile(r"\{([a-z][a-z0-9-]*)\.(host|port)\}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service container listens, as the checks reach it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of one check.

    Attributes:
        name: The check's name.
        state: `not run` when a check that it needs did not pass.
        seconds: How long it ran.
        tail: The last lines that it wrote; secrets are masked.
    """

    name: str
    state: CheckState
    seconds: float = 0.0
    tail: str = ""


def check_environment(
    quality: Quality, check: Check, endpoints: Mapping[str, Endpoint]
) -> dict[str, str]:
    """Return a check's variables, with `{name.host}` and `{name.port}` filled in.

    Args:
        quality: Holds the variables of all checks.
        check: Its own variables win over those of all.
        endpoints: Where the service containers listen, by name.

    Raises:
        ConfigInvalid: When a variable names a service container that there is not.
    """
    variables = {**quality.env, **check.env}
    return {name: _filled(name, text, endpoints) for name, text in variables.items()}


def report_rows(results: tuple[CheckResult, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return the report's rows: name, state, seconds with one decimal.

    Example:
        >>> report_rows((CheckResult("lint", "passed", 3.14), CheckResult("test", "not run")))
        (('lint', 'passed', '3.1'), ('test', 'not run', ''))
    """
    return tuple(
        (result.name, result.state, "" if result.state == "not run" else f"{result.seconds:.1f}")
        for result in results
    )


def quality_failure(results: tuple[CheckResult, ...]) -> QualityFailed | None:
    """Return the error that the results amount to; None when all checks passed.

    Args:
        results: One for every check.
    """
    failed = [result for result in results if result.state in {"failed", "timed out"}]
    if not failed:
        return None
    told = "\n".join(f"{result.name} {result.state}:\n{_last_lines(result)}" for result in failed)
    not_run = [result.name for result in results if result.state == "not run"]
    also = f" Not run because of that: {', '.join(not_run)}." if not_run else ""
    failure = QualityFailed(
        f"{len(failed)} of {len(results)} checks did not pass\n{told}",
        left=f"Nothing was built or changed.{also}",
        next_step=_next_step(failed),
    )
    failure.checks = tuple(
        CheckSeen(one.name, one.state, tuple(one.tail.rstrip().splitlines()[-MESSAGE_LINES:]))
        for one in failed
    )
    return failure


def _next_step(failed: list[CheckResult]) -> str:
    if all(result.name == CHECK for result in failed):
        return "Correct what each line names."
    return "Correct the code, merge, and the next run deploys it."


def _filled(variable: str, text: str, endpoints: Mapping[str, Endpoint]) -> str:
    def fill(found: re.Match[str]) -> str:
        endpoint = endpoints.get(found[1])
        if endpoint is None:
            raise ConfigInvalid(f"quality.env.{variable}", f"names no service: {found[0]}")
        return endpoint.host if found[2] == "host" else str(endpoint.port)

    return _REFERENCE.sub(fill, text)


def _last_lines(result: CheckResult) -> str:
    lines = result.tail.rstrip().splitlines()[-MESSAGE_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  nothing written"
