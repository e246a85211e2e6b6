"""A line of the host's ledger is no entry, or cannot follow the ones before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("LedgerCorrupt"):
        return None
    ledger = f"{evidence.around.directory}/ledger.jsonl"
    return Told(
        cause="the host's history cannot be trusted: somebody has changed it, or its disk has",
        seen=evidence.true,
        next_step="Keep a copy of the file on the host, and take that line out: docs/recover.md, "
        "The ledger cannot be read, says how.",
        commands=(evidence.doctor, evidence.on_host(f"sudo cat -n {ledger}")),
        impact="Users notice nothing of that: what serves does not read this file.",
    )


FAILURE = Failure("ledger-damaged", _look)
