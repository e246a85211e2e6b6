"""The figures of a bench as values: what one deploy came to, and what many come to together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Way = Literal["plain", "rolling", "ours"]
WAYS: tuple[Way, ...] = ("plain", "rolling", "ours")

DEPLOY_FIGURES = {
    "seconds": "first remote action to new version outside, s",
    "only_new_s": "first remote action to nothing but it, s",
    "ended_s": "first remote action to the last one's end, s",
    "sent": "requests sent",
    "lost": "requests lost",
    "longest_gap_ms": "longest gap, ms",
    "round_trips": "remote round trips",
    "cpu_s": "CPU of the orchestrator, s",
}
COMPARED = ("seconds", "only_new_s", "ended_s")
RUN_FIGURES = {
    "command_s": "bin/trigger, start to exit, s",
    "whole_s": "the run, created to ended, s",
    "tools_s": "  tasks at work, s",
    "added_s": "  added by Prefect, s",
    "pickup_s": "    created to running, s",
    "begin_s": "    running to first task, s",
    "between_s": "    between tasks, s",
    "end_s": "    last task to ended, s",
    "before_s": "bin/trigger before the run is created, s",
    "after_s": "bin/trigger after the run has ended, s",
    "cpu_s": "CPU of the run's process, s",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds of the wall clock."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Run:
    """Where the time of one flow run went.

    Attributes:
        command_s: The trigger's whole life, in seconds.
        before_s: From the trigger's start until the run was created.
        after_s: From the run's end until the trigger's.
        whole_s: From the run's creation to its end.
        pickup_s: From its creation until its process said that it runs.
        begin_s: From there to the first task.
        between_s: In which no task was at work, between the first and the last.
        end_s: From the last task's end to the run's.
        cpu_s: CPU of the run's process, without the programs that it started.
    """

    command_s: float
    before_s: float
    after_s: float
    whole_s: float
    pickup_s: float
    begin_s: float
    between_s: float
    end_s: float
    cpu_s: float

    @property
    def added_s(self) -> float:
        """Return the seconds in which the run was under way and no task at work."""
        return self.pickup_s + self.begin_s + self.between_s + self.end_s

    @property
    def tools_s(self) -> float:
        """Return the seconds in which at least one task was at work."""
        return self.whole_s - self.added_s


@dataclass(frozen=True, slots=True)
class Sample:
    """What one deploy came to.

    Attributes:
        way: How it was deployed.
        round: Counted from 1.
        version: The commit.
        seconds: From the first remote action until the new version was seen outside.
        only_new_s: From the first remote action until an earlier version was seen the last time.
        ended_s: From the first remote action until the last one had ended.
        sent: Requests sent while it went on.
        lost: Those of them that were not answered well.
        longest_gap_ms: Longest time without a good answer.
        round_trips: How often the host was asked: commands, or OpenSSH's invocations.
        cpu_s: CPU of the processes that drove it, in that stretch.
        run: The flow run around it; None where there is none.
    """

    way: Way
    round: int
    version: str
    seconds: float
    only_new_s: float
    ended_s: float
    sent: int
    lost: int
    longest_gap_ms: float
    round_trips: int
    cpu_s: float
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one figure."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of at least one value."""
        known = list(values)
        return cls(median(known), min(known), max(known))

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.lowest)} to {_short(self.highest)})"


def idle_s(tasks: Iterable[Span]) -> float:
    """Return the seconds between the first start and the last end in which no task was at work."""
    idle, busy_until = 0.0, None
    for task in sorted(tasks, key=lambda one: one.start):
        if busy_until is not None and task.start > busy_until:
            idle += task.start - busy_until
        busy_until = max(task.end, busy_until or task.end)
    return idle


def run_figures(
    command: Span, created: float, run: Span, tasks: Sequence[Span], cpu_s: float
) -> Run:
    """Return where a run's time went.

    Args:
        command: The trigger's life.
        created: When the run was created.
        run: From `Running` to its last state.
        tasks: At least one task of it.
        cpu_s: CPU of its process.
    """
    return Run(
        command_s=command.end - command.start,
        before_s=created - command.start,
        after_s=command.end - run.end,
        whole_s=run.end - created,
        pickup_s=run.start - created,
        begin_s=min(task.start for task in tasks) - run.start,
        between_s=idle_s(tasks),
        end_s=run.end - max(task.end for task in tasks),
        cpu_s=cpu_s,
    )


def spreads(samples: Sequence[Sample], way: Way) -> dict[str, Spread]:
    """Return each figure of a way's deploys, by its name in `DEPLOY_FIGURES`."""
    own = [sample for sample in samples if sample.way == way]
    return {name: Spread.of(getattr(one, name) for one in own) for name in DEPLOY_FIGURES}


def run_spreads(samples: Sequence[Sample]) -> dict[str, Spread]:
    """Return each figure of the flow runs, by its name in `RUN_FIGURES`."""
    runs = [sample.run for sample in samples if sample.run is not None]
    return {name: Spread.of(getattr(one, name) for one in runs) for name in RUN_FIGURES}


def shares_of_rolling(samples: Sequence[Sample]) -> dict[str, float]:
    """Return how long ours takes as a share of the rolling scale-up, medians, by figure."""
    ours, rolling = spreads(samples, "ours"), spreads(samples, "rolling")
    return {name: ours[name].median / rolling[name].median for name in COMPARED}


def document(
    samples: Sequence[Sample], machine: Mapping[str, str], rate_per_s: float
) -> dict[str, Any]:
    """Return everything as plain values, for `--json`.

    Returns:
        `machine`: its description. `rate_per_s`: of the prober. `samples`: each deploy, as `Sample`
        and `Run` name their figures. `ways`: way to figure to `median`, `lowest` and `highest`.
        `run`: the same of the flow runs. `ours_to_rolling`: figure to median over median.
    """
    return {
        "machine": dict(machine),
        "rate_per_s": rate_per_s,
        "samples": [asdict(sample) for sample in samples],
        "ways": {way: _plain(spreads(samples, way)) for way in WAYS},
        "run": _plain(run_spreads(samples)),
        "ours_to_rolling": shares_of_rolling(samples),
    }


def table(samples: Sequence[Sample], machine: Mapping[str, str], rate_per_s: float) -> str:
    """Return everything for a person, as Markdown."""
    rounds = max(sample.round for sample in samples)
    ways = {way: spreads(samples, way) for way in WAYS}
    runs = run_spreads(samples)
    share = runs["added_s"].median / runs["whole_s"].median
    return "\n".join(
        (
            f"{rounds} rounds, {rate_per_s:g} requests a second; median (lowest to highest)",
            "",
            f"| | {' | '.join(WAYS)} |",
            f"| --- |{' ---: |' * len(WAYS)}",
            *(
                f"| {title} | {' | '.join(str(ways[way][name]) for way in WAYS)} |"
                for name, title in DEPLOY_FIGURES.items()
            ),
            "",
            *(
                f"Ours as a share of rolling, {DEPLOY_FIGURES[name]}: {share:.2f}  "
                for name, share in shares_of_rolling(samples).items()
            ),
            "",
            "| ours, the whole run | |",
            "| --- | ---: |",
            *(
                f"| {title.replace('  ', '&nbsp;&nbsp;')} | {runs[name]} |"
                for name, title in RUN_FIGURES.items()
            ),
            "",
            f"Prefect adds {runs['added_s'].median:.1f} s, {share:.0%} of the run.",
            "",
            *(f"- {name}: {said}" for name, said in machine.items()),
        )
    )


def total(samples: Sequence[Sample], rate_per_s: float) -> dict[str, Any]:
    """Return what a row of deploys came to together, as plain values.

    Returns:
        `deploys`, `rate_per_s`, `sent` and `lost` of all, and the `longest_gap_ms` of any.
    """
    return {
        "deploys": len(samples),
        "rate_per_s": rate_per_s,
        "sent": sum(one.sent for one in samples),
        "lost": sum(one.lost for one in samples),
        "longest_gap_ms": max(one.longest_gap_ms for one in samples),
    }


def sentence(total: Mapping[str, Any]) -> str:
    """Return for a person what `total` says."""
    return (
        f"{total['deploys']} deploys in a row at {total['rate_per_s']:g} requests a second: "
        f"{total['sent']} sent, {total['lost']} lost, longest gap {total['longest_gap_ms']:.0f} ms"
    )


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.1f}"


def _plain(named: Mapping[str, Spread]) -> dict[str, dict[str, float]]:
    return {name: asdict(spread) for name, spread in named.items()}
