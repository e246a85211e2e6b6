"""What a release must keep within to be seen as good: `[verify.limits]` of an environment's file.

Each name ends in its unit. The defaults are those of a small machine: they catch what is broken,
not what is merely slow on a busy day.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Milliseconds = Annotated[float, Field(gt=0, le=60_000)]


class Limits(BaseModel):
    """How much of what is good enough.

    Attributes:
        certificate_days: For how many days more the certificate must hold; 0 asks only that it
            holds now.
        requests: How many requests the latency is measured with; 0 measures none.
        p50_ms: What half of them may take, in milliseconds.
        p95_ms: What 95 of 100 may take, in milliseconds.
        max_ms: What the slowest may take, in milliseconds.
        dependency_ms: What each check of the health body may take, in milliseconds.
        restarts: How often containers may have started again by themselves since the activation.
        disk_free_mib: How much of the host's disk must be free, in MiB.
        memory_available_mib: How much of its memory must be available, in MiB.
        clock_skew_s: How far its clock may be from the worker's, in seconds.
        errors_per_min: How many errors a minute a service may log more than before the activation.
        warnings_per_min: The same of warnings.
        new_errors: How many kinds of errors there may be that were not logged before.
        alerts: What an alert of Cloud Monitoring leads to that opened since the activation and is
            open still; `off` reads none. Where they cannot be read, `inconclusive` and `refuse`
            both lead to inconclusive.
        alerts_ignored: Names of alert policies that do not count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_days: Annotated[float, Field(ge=0, le=3650)] = 7
    requests: Annotated[int, Field(ge=0, le=500)] = 24
    p50_ms: Milliseconds = 2000
    p95_ms: Milliseconds = 5000
    max_ms: Milliseconds = 8000
    dependency_ms: Milliseconds = 3000
    restarts: Annotated[int, Field(ge=0)] = 0
    disk_free_mib: Annotated[float, Field(ge=0)] = 512
    memory_available_mib: Annotated[float, Field(ge=0)] = 64
    clock_skew_s: Annotated[float, Field(gt=0)] = 30
    errors_per_min: Annotated[float, Field(ge=0)] = 30
    warnings_per_min: Annotated[float, Field(ge=0)] = 300
    new_errors: Annotated[int, Field(ge=0)] = 5
    alerts: Literal["off", "warn", "inconclusive", "refuse"] = "off"
    alerts_ignored: tuple[str, ...] = ()
