"""The figures of going back, and of refusing what is broken: one run each, and many together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from infra.bench.figures import Spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Store = Literal["warm", "cold"]
STORES: tuple[Store, ...] = ("warm", "cold")
Fault = Literal["start", "health"]
FAULTS: Mapping[Fault, str] = {"start": "exits at its start", "health": "never healthy"}

RETURN_FIGURES = {
    "seconds": "flow's start to old version outside, s",
    "click_s": "click to old version outside, s",
    "ended_s": "click to the run's end, s",
    "sent": "requests sent",
    "lost": "requests lost",
    "longest_gap_ms": "longest gap, ms",
    "round_trips": "remote round trips",
}
REFUSAL_FIGURES = {
    "seconds": "activate's start to the refusal, s",
    "sent": "requests sent",
    "lost": "requests lost",
    "longest_gap_ms": "longest gap, ms",
}


@dataclass(frozen=True, slots=True)
class Return:
    """What one rollback came to.

    Attributes:
        store: `warm` where the host had kept the release's container, `cold` where it had to pull
            the image and make a new one.
        round: Counted from 1.
        version: The commit that was gone back to.
        seconds: From the flow run's start until that version was seen outside.
        click_s: The same from the request that made the run.
        ended_s: From that request to the run's end, which includes drain, stop and verify.
        sent: Requests sent while it went on.
        lost: Those of them that were not answered well.
        longest_gap_ms: Longest time without a good answer.
        round_trips: How often the host was asked.
    """

    store: Store
    round: int
    version: str
    seconds: float
    click_s: float
    ended_s: float
    sent: int
    lost: int
    longest_gap_ms: float
    round_trips: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one deploy of a broken release came to.

    Attributes:
        fault: What is wrong with it.
        round: Counted from 1.
        version: The commit.
        seconds: From the moment at which its plan was decided until deploy-prod had refused it:
            noticed, its evidence read, its container taken away.
        sent: Requests sent while the whole run went on.
        lost: Those of them that were not answered well.
        longest_gap_ms: Longest time without a good answer.
    """

    fault: Fault
    round: int
    version: str
    seconds: float
    sent: int
    lost: int
    longest_gap_ms: float


def return_spreads(returns: Sequence[Return], store: Store) -> dict[str, Spread]:
    """Return each figure of a kind of rollback, by its name in `RETURN_FIGURES`."""
    own = [one for one in returns if one.store == store]
    return {name: Spread.of(getattr(one, name) for one in own) for name in RETURN_FIGURES}


def refusal_spreads(refusals: Sequence[Refusal], fault: Fault) -> dict[str, Spread]:
    """Return each figure of the refusals of a fault, by its name in `REFUSAL_FIGURES`."""
    own = [one for one in refusals if one.fault == fault]
    return {name: Spread.of(getattr(one, name) for one in own) for name in REFUSAL_FIGURES}


def warm_to_cold(returns: Sequence[Return]) -> float:
    """Return how long a warm rollback takes as a share of a cold one, medians."""
    warm, cold = (return_spreads(returns, store)["seconds"].median for store in STORES)
    return warm / cold


def recovery_document(returns: Sequence[Return], refusals: Sequence[Refusal]) -> dict[str, Any]:
    """Return everything as plain values, for `--json`.

    Returns:
        `returns` and `refusals`: each run, as `Return` and `Refusal` name their figures. `stores`
        and `faults`: each kind, to figure, to `median`, `lowest` and `highest`. `warm_to_cold`:
        median over median. What was not measured is left out.
    """
    told: dict[str, Any] = {}
    if returns:
        told["returns"] = [asdict(one) for one in returns]
        told["stores"] = {store: _plain(return_spreads(returns, store)) for store in STORES}
        told["warm_to_cold"] = warm_to_cold(returns)
    if refusals:
        told["refusals"] = [asdict(one) for one in refusals]
        told["faults"] = {fault: _plain(refusal_spreads(refusals, fault)) for fault in FAULTS}
    return told


def recovery_table(
    returns: Sequence[Return], refusals: Sequence[Refusal], rate_per_s: float
) -> str:
    """Return everything for a person, as Markdown; what was not measured is left out."""
    lines: list[str] = []
    if returns:
        stores = [return_spreads(returns, store) for store in STORES]
        lines += _head(len({one.round for one in returns}), rate_per_s)
        lines += _rows("going back", STORES, RETURN_FIGURES, stores)
        share = warm_to_cold(returns)
        lines += ["", f"Warm as a share of cold, {RETURN_FIGURES['seconds']}: {share:.2f}", ""]
    if refusals:
        faults = [refusal_spreads(refusals, fault) for fault in FAULTS]
        lines += _head(len({one.round for one in refusals}), rate_per_s)
        lines += _rows("a broken release", tuple(FAULTS.values()), REFUSAL_FIGURES, faults)
    return "\n".join(lines).rstrip()


def _head(rounds: int, rate_per_s: float) -> tuple[str, ...]:
    what = f"{rounds} round{'s' * (rounds != 1)}, {rate_per_s:g} requests a second"
    return f"{what}; median (lowest to highest)", ""


def _rows(
    what: str,
    kinds: Sequence[str],
    figures: Mapping[str, str],
    spreads: Sequence[Mapping[str, Spread]],
) -> list[str]:
    """Return a table with a column a kind and a row a figure."""
    return [
        f"| {what} | {' | '.join(kinds)} |",
        f"| --- |{' ---: |' * len(kinds)}",
        *(
            f"| {title} | {' | '.join(str(one[name]) for one in spreads)} |"
            for name, title in figures.items()
        ),
    ]


def _plain(named: Mapping[str, Spread]) -> dict[str, dict[str, float]]:
    return {name: asdict(spread) for name, spread in named.items()}
