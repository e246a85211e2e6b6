"""Watches the public address from a thread while a release is switched."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rollout.executors.clock import monotonic_s
from rollout.executors.dial import outside_client
from rollout.executors.probe import ANSWER_TIMEOUT_S, ask
from rollout.model.sample import Sample

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import httpx

    from rollout.config import Verify

STOPS_WITHIN_S = 1.0
MOST_SAMPLES = 50_000
"""Over an hour at ten a second; later ones are not kept."""


class Watch:
    """Asks at a steady, modest rate while the block lasts; what was seen is in `samples`.

    One request is under way at a time: a service that does not answer is not asked more often for
    that, and shows as a gap. Nothing that goes wrong here reaches the block. A request that is
    under way when the block ends is left to its own time limit.

    Args:
        verify: What to ask, and how often; a rate of 0 asks never.
    """

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._began_s = monotonic_s()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> Self:
        """Begin to ask."""
        if self._verify.watch_rate_per_s:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop asking, within a second."""
        self._stop.set()
        if self._verify.watch_rate_per_s:
            self._thread.join(STOPS_WITHIN_S)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Return what was seen so far, in order; empty when nothing was asked."""
        return tuple(self._samples)

    def _watch(self) -> None:
        between_s, count = 1 / self._verify.watch_rate_per_s, 0
        with outside_client(self._verify, ANSWER_TIMEOUT_S) as client:
            while not self._stop.is_set() and len(self._samples) < MOST_SAMPLES:
                self._samples.append(self._look(client))
                # What a slow answer has missed is not made up for by a burst.
                count = max(count + 1, int((monotonic_s() - self._began_s) / between_s))
                self._stop.wait(max(0.0, self._began_s + count * between_s - monotonic_s()))

    def _look(self, client: httpx.Client) -> Sample:
        sent_s = monotonic_s()
        answer = ask(client, self._verify)
        return Sample(
            at_s=sent_s - self._began_s,
            latency_s=monotonic_s() - sent_s,
            http_status=answer.http_status,
            status=answer.status,
            version=answer.version,
            upstream=answer.upstream,
        )
