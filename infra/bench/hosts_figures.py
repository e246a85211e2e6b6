"""What a roll over simulated hosts came to, as values and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Roll:
    """What it took to bring a release from the canary to the others.

    Attributes:
        hosts: How many there were beside the canary.
        batch: As `[hosts] batch` has it.
        batches: How many batches that made.
        served: On how many hosts the release served at the end.
        seconds: The whole roll, of the wall clock.
        host_s: One host's task from its first look to its last, the median.
        longest_s: The same, the longest.
        cpu_s: The orchestrator's processor time, without the simulation's.
        peak_mib: The most memory that the process had, in MiB.
        requests: How often Prefect's API was asked.
    """

    hosts: int
    batch: str
    batches: int
    served: int
    seconds: float
    host_s: float
    longest_s: float
    cpu_s: float
    peak_mib: float
    requests: int

    @property
    def cpu_per_host_s(self) -> float:
        """Return the orchestrator's processor time for each host, in seconds."""
        return self.cpu_s / self.hosts

    @property
    def requests_per_host(self) -> float:
        """Return how often Prefect's API was asked for each host."""
        return self.requests / self.hosts


_HEAD = (
    "hosts beside the canary",
    "at once",
    "batches",
    "whole roll, s",
    "one host, s",
    "CPU, s",
    "CPU a host, s",
    "memory at most, MiB",
    "requests to Prefect a host",
)


def hosts_table(rolls: Sequence[Roll], machine: Mapping[str, str]) -> str:
    """Return the section's table as `docs/performance.md` has it.

    Args:
        rolls: What was measured.
        machine: What the figures depend on, name to what it is.
    """
    rows = [
        (
            str(one.hosts),
            one.batch,
            str(one.batches),
            f"{one.seconds:.1f}",
            f"{one.host_s:.1f} (at most {one.longest_s:.1f})",
            f"{one.cpu_s:.1f}",
            f"{one.cpu_per_host_s:.2f}",
            f"{one.peak_mib:.0f}",
            f"{one.requests_per_host:.0f}",
        )
        for one in rolls
    ]
    lines = [_row(_HEAD), _row(("---:",) * len(_HEAD)), *map(_row, rows), ""]
    return "\n".join((*lines, *(f"- {name}: {what}" for name, what in machine.items())))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
