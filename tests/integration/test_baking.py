"""A judgement that is repeated: until the time is over, or the first refusal."""

from __future__ import annotations

from rollout.executors.baking import judge_repeatedly
from rollout.executors.clock import monotonic_s
from rollout.model.finding import Assessment, Finding, Go, Inconclusive, Refuse

WRONG = Finding("health-from-outside", "is degraded", "outside", "Look.")


class Looks:
    """Answers with one verdict after the other, the last one again and again."""

    def __init__(self, *verdicts: Assessment) -> None:
        self._verdicts = list(verdicts)
        self.made = 0

    def __call__(self) -> Assessment:
        self.made += 1
        return self._verdicts.pop(0) if len(self._verdicts) > 1 else self._verdicts[0]


def test_a_release_that_stays_well_is_looked_at_until_the_time_is_over():
    began_s, looks = monotonic_s(), Looks(Go())

    judged, verdict = judge_repeatedly(looks, 0.5, 0.1)

    assert (verdict, judged) == (Go(), looks.made)
    assert judged >= 2
    assert monotonic_s() - began_s >= 0.5


def test_the_first_refusal_ends_it():
    looks = Looks(Go(), Inconclusive((WRONG,)), Refuse((WRONG,)))

    assert judge_repeatedly(looks, 3600, 0.01) == (3, Refuse((WRONG,)))


def test_a_part_that_is_seen_again_in_time_is_not_missing():
    looks = Looks(Inconclusive((WRONG,)), Go())

    assert judge_repeatedly(looks, 0.3, 0.05)[1] == Go()


def test_a_part_that_stays_missing_is_missing_at_the_end():
    assert judge_repeatedly(Looks(Inconclusive((WRONG,))), 0.1, 0.05)[1] == Inconclusive((WRONG,))


def test_an_interval_longer_than_the_time_looks_once_when_it_is_over():
    assert judge_repeatedly(Looks(Go()), 0.05, 3600) == (1, Go())
