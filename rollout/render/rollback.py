"""What people read of a rollback: what was chosen and why, and what can be gone back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.finding import Go
from rollout.model.release import SHORT_LENGTH
from rollout.render.report import cell, plain
from rollout.render.schema import why

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.decide.earlier import Earlier
    from rollout.model.activation import Wish
    from rollout.model.candidate import Candidate
    from rollout.model.finding import Verdict

_DERIVED = (
    "derived from its migrations on a scratch database, with the rights of today; what was made "
    "outside of migrations is not in it"
)
_HEAD = ("| go back | release | version | stage | schema | since |", "| --- " * 6 + "|")


def render_choice(earlier: Earlier, verdict: Verdict, wish: Wish) -> str:
    """Return which release a rollback takes up, and from what that was decided, as markdown."""
    release = earlier.chosen.release
    went = "go" if isinstance(verdict, Go) else "refused"
    facts = {
        "asked for": plain(wish.to) or "the last good one before the current",
        "strategy": wish.strategy,
        "by": plain(wish.actor) or "nobody named",
        "reason": plain(wish.reason),
        "accepted": ", ".join(map(plain, wish.accept)) or "nothing",
        "its code and the schema that is there": _grade(earlier.chosen),
        "its contract": _DERIVED if earlier.is_derived else "as it was read when it was deployed",
    }
    return "\n".join(
        (
            f"# Rollback to release {release.number} (`{release.version[:SHORT_LENGTH]}`): {went}",
            "",
            *(f"- **{name}:** {text}" for name, text in facts.items()),
            "",
            *(
                f"- `{one.rule}` {plain(one.where)}: {plain(one.consequence)}. {plain(one.help)}"
                for one in verdict.findings
            ),
            "",
            *_table(earlier.candidates),
            "",
        )
    )


def render_ways_back(environment: str, candidates: Sequence[Candidate]) -> str:
    """Return what an environment can go back to now, as markdown.

    Args:
        environment: Its name.
        candidates: All releases of its ledger, newest first; empty before the first.
    """
    title = f"# What {environment} can go back to"
    if not candidates:
        return f"{title}\n\nNothing was deployed yet.\n"
    return "\n".join((title, "", *_table(candidates), ""))


def _table(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Return a table, and under it why: the UI cuts a wide table off at its right."""
    rows = ("| " + " | ".join(map(cell, _row(one))) + " |" for one in candidates)
    told = ((one.release.number, why(one.judgement)) for one in candidates)
    return (*_HEAD, *rows, "", *(f"- release {number}: {plain(text)}" for number, text in told))


def _row(one: Candidate) -> tuple[str, ...]:
    release = one.release
    return (
        _way(one),
        str(release.number),
        release.version[:SHORT_LENGTH],
        release.stage,
        _grade(one),
        release.at,
    )


def _grade(one: Candidate) -> str:
    return "unknown" if one.grade is None else one.grade.name


def _way(one: Candidate) -> str:
    if one.serves:
        return "serves"
    if not one.served:
        return "never served"
    if not one.release.on_host:
        return "deploy anew"
    return "yes" if one.may_be_gone_back_to else "no"
