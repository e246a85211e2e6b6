"""`python -m infra.rehearsal.probe URL OUT`: asks the public address all the time, until SIGTERM.

Open loop: a request is sent when its time has come, whether or not earlier ones were answered, so
that a pause of the service is counted and not waited out. Counting begins with the first success:
before the first release nothing serves; a line on standard output says that it has begun. At the
end a JSON document is written to OUT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx

RATE_PER_S: Final = 20.0
TIMEOUT_S: Final = 10.0
LOOK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request.

    Attributes:
        sent_s: when it was sent, in seconds of a steady clock.
        ended_s: when it ended.
        problem: why it is lost; None when it was answered.
        version: what the body says; empty where it says nothing.
    """

    sent_s: float
    ended_s: float
    problem: str | None
    version: str


@dataclass(slots=True)
class Log:
    """The replies so far, in the order in which they ended.

    Attributes:
        replies: the replies.
        epoch_s: what makes the wall clock's seconds of the steady clock's.
    """

    replies: list[Reply] = field(default_factory=list[Reply])
    epoch_s: float = 0.0

    @property
    def began(self) -> float | None:
        """Return when the first answer came; None while nothing has answered.

        Not when that request was sent: the proxy's very first start keeps it waiting for the
        certificate, and lets go of those sent after it.
        """
        answered = (reply.ended_s for reply in self.replies if reply.problem is None)
        return min(answered, default=None)


def summarise(log: Log) -> dict[str, Any]:
    """Return the figures: requests sent and lost, the longest pause, the versions seen.

    Returns:
        `sent` is 0 when nothing ever answered; `longest_gap_ms` is None below two answers.
        `first_seen` and `last_seen` have the wall clock's seconds at which each version answered.
    """
    began = log.began
    counted = [reply for reply in log.replies if began is not None and reply.sent_s >= began]
    lost = [reply for reply in counted if reply.problem is not None]
    good = [reply for reply in counted if reply.problem is None]
    answered = sorted(reply.ended_s for reply in good)
    gaps = [later - earlier for earlier, later in pairwise(answered)]
    times = sorted(reply.ended_s - reply.sent_s for reply in good)
    return {
        "sent": len(counted),
        "lost": len(lost),
        "problems": dict(Counter(str(reply.problem) for reply in lost)),
        "longest_gap_ms": round(max(gaps) * 1000) if gaps else None,
        "median_ms": round(times[len(times) // 2] * 1000, 1) if times else None,
        "slowest_ms": round(times[-1] * 1000) if times else None,
        "versions": dict(Counter(reply.version for reply in good)),
        "first_seen": seen_at(log, log.replies[::-1]),
        "last_seen": seen_at(log, log.replies),
        "lost_at_s": [round(reply.sent_s - (began or 0), 2) for reply in lost[:20]],
    }


def seen_at(log: Log, replies: list[Reply]) -> dict[str, float]:
    """Return when each version answered, in the wall clock's seconds; the last of these counts."""
    good = (reply for reply in replies if reply.problem is None)
    return {reply.version: round(reply.ended_s + log.epoch_s, 3) for reply in good}


async def ask(client: httpx.AsyncClient, url: str, log: Log) -> None:
    """Send one request and note what became of it."""
    sent, problem, version = time.monotonic(), None, ""
    try:
        answer = await client.get(url)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            problem = str(answer.status_code)
        else:
            version = version_in(answer.content)
    except httpx.HTTPError as error:
        problem = type(error).__name__
    log.replies.append(Reply(sent, time.monotonic(), problem, version))


def version_in(body: bytes) -> str:
    """Return the version that a health body names, or an empty text."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("version", "")) if isinstance(document, dict) else ""


async def announce(log: Log, stop: asyncio.Event) -> None:
    """Say once that something has answered, for whoever waits to begin."""
    while log.began is None and not stop.is_set():
        await asyncio.sleep(LOOK_S)
    print("answered", flush=True)


async def probe(url: str, log: Log, stop: asyncio.Event, rate_per_s: float) -> None:
    """Ask at the fixed rate until told to stop, then wait for what is under way."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    begun, sent = time.monotonic(), 0
    async with (
        httpx.AsyncClient(limits=limits, timeout=TIMEOUT_S) as client,
        asyncio.TaskGroup() as asking,
    ):
        asking.create_task(announce(log, stop))
        while not stop.is_set():
            asking.create_task(ask(client, url, log))
            sent += 1
            await asyncio.sleep(max(0.0, begun + sent / rate_per_s - time.monotonic()))


async def run(url: str, out: Path, rate_per_s: float) -> None:
    """Probe until SIGTERM or SIGINT, then write the figures."""
    log, stop = Log(epoch_s=time.time() - time.monotonic()), asyncio.Event()
    for stopping in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stopping, stop.set)
    await probe(url, log, stop, rate_per_s)
    made = out.with_suffix(".new")
    made.write_text(json.dumps(summarise(log)), encoding="utf-8")
    made.replace(out)


def main() -> None:
    """Read the command line and probe."""
    parser = argparse.ArgumentParser(prog="infra.rehearsal.probe", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="requests a second")
    given = parser.parse_args()
    asyncio.run(run(given.url, given.out, given.rate))


if __name__ == "__main__":
    main()
