"""Candidates: the releases of a host, judged by the schema that is there now."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.finding import Finding
from rollout.model.judgement import Grade, Judgement
from rollout.model.overview import ReleaseLine


@dataclass(frozen=True, slots=True)
class Candidate:
    """One release, and how far its code can live with the schema.

    Attributes:
        release: What the ledger says of it.
        serves: Whether the proxy sends requests to it.
        judgement: What follows from its contract; or why there is none to judge by.
        served: Whether it ever served; what never did is nothing to go back to.
    """

    release: ReleaseLine
    serves: bool
    judgement: Judgement | Finding
    served: bool = True

    @property
    def may_be_gone_back_to(self) -> bool:
        """Return whether it can serve again without anybody having to accept anything."""
        fits = isinstance(self.judgement, Judgement) and self.judgement.may_serve
        return fits and self.served and self.release.on_host and not self.serves

    @property
    def grade(self) -> Grade | None:
        """Return the worst reason's grade; None where there is no contract to judge by."""
        return None if isinstance(self.judgement, Finding) else self.judgement.grade
