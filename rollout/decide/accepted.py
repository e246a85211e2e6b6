"""What a request may take upon itself: refused, unless it is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection


def unless_accepted(finding: Finding, accepted: Collection[str], then: str) -> Verdict:
    """Return a refusal, or a warning where the request names the finding's rule.

    Args:
        finding: What stands in the way; its help says how to go on, and by which name.
        accepted: What the request takes upon itself.
        then: What to do where it is accepted, as a full sentence.

    Example:
        >>> finding = Finding("outside-window", "it is night", "[may_go]", "Deploy by day.")
        >>> unless_accepted(finding, ("outside-window",), "Watch it.").findings[0].consequence
        'accepted: it is night'
    """
    if finding.rule not in accepted:
        return Refuse((finding,))
    return Go((replace(finding, consequence=f"accepted: {finding.consequence}", help=then),))
