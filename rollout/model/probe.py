"""What was seen from outside."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.outside import Dependency


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the public address answered until it was as expected, or the time was over.

    Attributes:
        url: What was asked.
        attempts: How often it was asked.
        http_status: The last answer's status code; None when there was no answer at all.
        status: `status` in the last body; empty when it had none.
        version: The version in the last body; empty when it names none.
        upstream: The network name in the header that the rendered proxy adds; empty without it.
        problem: Why the last attempt was no good; empty when it was good.
        first_ok_after_s: Seconds until the first good answer; None when there was none.
        dependencies: What the last body says of each thing that the application depends on.
    """

    url: str
    attempts: int
    http_status: int | None = None
    status: str = ""
    version: str = ""
    upstream: str = ""
    problem: str = ""
    first_ok_after_s: float | None = None
    dependencies: tuple[Dependency, ...] = ()
