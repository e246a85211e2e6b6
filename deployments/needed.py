"""Which of Prefect's settings must be in force where something is registered, or runs are started.

A process without them works like any other until a run dies: then nobody misses it in time, or one
that lives is declared dead, and Retry begins at the first phase. The server can not be asked which
settings a worker has, so each process looks at its own; runs have those of their worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect.settings import get_current_settings

from rollout.errors import RolloutError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "infra/prefect/prefect.env"
NEEDED = (
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY",
)
"""Those that decide what becomes of a run; the others cost time or comfort."""


def demand_settings(left: str) -> None:
    """See to it that this process has a server, and the settings that its runs need.

    They count wherever they come from: the environment, or a profile of Prefect's.

    Args:
        left: What state was left when they are not there, as a full sentence.

    Raises:
        RolloutError: When they are not, with the value of each.
    """
    settings = get_current_settings()
    if not settings.api.url:
        raise RolloutError(
            "PREFECT_API_URL names no server of Prefect's",
            left=left,
            next_step="Set it to the server's address with /api at its end, and start this again.",
        )
    found = settings.to_environment_variables(exclude_unset=False)
    wrong = differing(_read(), found)
    if wrong:
        raise RolloutError(
            f"Prefect does not have the settings of {FILE}: {'; '.join(wrong)}",
            left=left,
            next_step=f"`set -a; . {FILE}; set +a`, then start this again in the same shell. "
            "Registering and every worker need them.",
        )


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Return what each needed setting is, where it is not as wanted; empty when all are.

    Example:
        >>> wanted = dict.fromkeys(NEEDED, "true")
        >>> differing(wanted, {**dict.fromkeys(NEEDED, "True"), NEEDED[2]: "180"})
        ('PREFECT_FLOWS_HEARTBEAT_FREQUENCY is 180, not true',)
    """
    return tuple(
        f"{name} is {found.get(name, 'not set')}, not {wanted[name]}"
        for name in NEEDED
        if found.get(name, "").lower() != wanted[name].lower()
    )


def _read() -> dict[str, str]:
    text = (Path(__file__).resolve().parent.parent / FILE).read_text()
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)
