"""Repeats a judgement for a while: a release may be well at first and not for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.executors.clock import monotonic_s, pause
from rollout.model.finding import Assessment, Refuse

if TYPE_CHECKING:
    from collections.abc import Callable


def judge_repeatedly(
    judge: Callable[[], Assessment], for_s: float, interval_s: float
) -> tuple[int, Assessment]:
    """Return how often was judged, and the last verdict; the first refusal is the last.

    A look of which a part is missing ends nothing before its time: the next one may see it.

    Args:
        judge: Looks once and judges.
        for_s: How long, in seconds; the last judgement is made when they are over.
        interval_s: How long to wait before each judgement, in seconds.
    """
    began_s, judged = monotonic_s(), 0
    while True:
        left_s = for_s - (monotonic_s() - began_s)
        pause(max(0.0, min(interval_s, left_s)))
        verdict = judge()
        judged += 1
        if isinstance(verdict, Refuse) or monotonic_s() - began_s >= for_s:
            return judged, verdict
