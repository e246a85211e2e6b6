"""The three ways to deploy, each while its public address is asked all the time."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.sorting import LogSort

from infra.bench.figures import Run, Sample, Span, run_figures
from infra.bench.stand import ENVIRONMENT, compose_line, settings, world
from infra.rehearsal.paths import CHECKOUT, Rehearsal
from infra.rehearsal.pipeline import pipeline
from infra.rehearsal.probe import version_in
from infra.rehearsal.shell import RehearsalError, run, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from prefect.client.schemas.objects import FlowRun, TaskRun

    from infra.bench.figures import Way
    from infra.bench.stand import Server

T = TypeVar("T")

SEEN_WITHIN_S = 60
SETTLE_S = 2.0
"""How long the prober goes on after the end: a late loss is a loss of this deploy."""
SAMPLE_S = 0.05
DEPLOY_PHASE = "deploy-prod"
PAGE = 200
ROLLING = (Path(__file__).parent / "rolling.sh").read_text(encoding="utf-8")


@dataclass(slots=True)
class Deploy:
    """What a way noted of itself.

    Attributes:
        span: From the first remote action to the end of the last.
        round_trips: How often the host was asked.
        cpu_s: CPU of the processes that drove it, in that stretch.
        run: The flow run around it; None where there is none.
    """

    span: Span
    round_trips: int
    cpu_s: float
    run: Run | None = None


def plain(server: Server) -> Deploy:
    """Deploy the wiki's way: copy, pull, `up -d web`."""
    service = settings().application.service

    def steps() -> None:
        server.copy(*server.files)
        server.ssh(compose_line(f"pull --quiet {service}"))
        server.ssh(compose_line(f"up --detach {service}"))

    return _by_openssh(server, steps)


def rolling(server: Server) -> Deploy:
    """Deploy by a scale-up: copy; start a second one, wait for it, stop the first."""
    application = settings().application
    words = f"cd {application.directory} && sh -eu -s docker-compose.prod.yml {application.service}"

    def steps() -> None:
        server.copy(*server.files)
        server.ssh(words, stdin=ROLLING)

    return _by_openssh(server, steps)


def _by_openssh(server: Server, steps: Callable[[], None]) -> Deploy:
    calls, cpu_s, start = len(server.calls), _children_cpu_s(), time.time()
    steps()
    span = Span(start, time.time())
    return Deploy(span, len(server.calls) - calls, _children_cpu_s() - cpu_s)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(version: str) -> Deploy:
    """Deploy by the real flow, from the trigger to its end."""
    words = [str(CHECKOUT / "bin/trigger"), "deploy", "--environment", ENVIRONMENT]
    with _watching_cpu() as used:
        start = time.time()
        told = json.loads(run([*words, "--commit", version, "--json"], env=dict(os.environ)))
        command = Span(start, time.time())
    flow, tasks, round_trips = read_run(UUID(told["flow_run_id"]))
    phase = next(task for task in tasks if task.name == DEPLOY_PHASE)
    span = span_of(phase)
    figures = run_figures(
        command, _s(flow.created), span_of(flow), [span_of(task) for task in tasks], used.until()
    )
    cpu_s = used.until(span.end) - used.until(span.start)
    return Deploy(span, round_trips, cpu_s, figures)


def read_run(run_id: UUID) -> tuple[FlowRun, list[TaskRun], int]:
    """Return a run, its tasks that began, and how often it asked the host."""
    with get_client(sync_client=True) as client:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        tasks = client.read_task_runs(flow_run_filter=wanted, limit=200)
        begun = [one for one in tasks if one.start_time]
        return client.read_flow_run(run_id), begun, _round_trips(run_id)


def log_lines(run_id: UUID) -> list[tuple[float, str]]:
    """Return what a run and its tasks have logged: the wall clock's seconds, and the line."""
    lines = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        pages = (
            client.read_logs(lines, limit=PAGE, offset=at, sort=LogSort.TIMESTAMP_ASC)
            for at in count(0, PAGE)
        )
        said = [line for page in takewhile(bool, pages) for line in page]
    return [(_s(line.timestamp), line.message) for line in said]


def _round_trips(run_id: UUID) -> int:
    """Return how often a run says that it asked the host, over all of its connections.

    Raises:
        RehearsalError: When it says nothing of it.
    """
    said = (text for _, text in log_lines(run_id))
    found = [one for text in said if (one := re.match(r"(\d+) round trips", text))]
    if not found:
        raise RehearsalError(
            "the run does not say how often it asked the host",
            "Nothing was measured.",
            "Look for `round trips` in tasks/target.py, which writes that line.",
        )
    return sum(int(one[1]) for one in found)


def span_of(one: FlowRun | TaskRun) -> Span:
    """Return when a run or a task was at work.

    Raises:
        RehearsalError: When it did not come to its end.
    """
    return Span(_s(one.start_time), _s(one.end_time))


def _s(moment: datetime | None) -> float:
    if moment is None:
        raise RehearsalError(
            "a run did not come to its end",
            "Nothing was measured.",
            "Look at it in Prefect's UI, then run bin/bench again.",
        )
    return moment.timestamp()


@dataclass(slots=True)
class _Cpu:
    """CPU seconds of a process over the wall clock; empty while it was never seen."""

    seen: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    over: threading.Event = field(default_factory=threading.Event)

    def until(self, moment: float = float("inf")) -> float:
        """Return what the process had used by a moment."""
        return max((used for at, used in self.seen if at <= moment), default=0.0)

    def watch(self, worker: int) -> None:
        """Note what the worker's child has used, until told to stop."""
        ticks = os.sysconf("SC_CLK_TCK")
        while not self.over.wait(SAMPLE_S):
            with suppress(OSError, IndexError):
                children = Path(f"/proc/{worker}/task/{worker}/children").read_text("utf-8")
                stat = Path(f"/proc/{children.split()[0]}/stat").read_text("utf-8")
                fields = stat.rpartition(")")[2].split()
                self.seen.append((time.time(), (int(fields[11]) + int(fields[12])) / ticks))


@contextmanager
def _watching_cpu() -> Generator[_Cpu]:
    """Yield what the process of the next flow run uses; complete when the block has ended."""
    worker = pipeline(Rehearsal(world()["name"], CHECKOUT)).started("worker")
    used = _Cpu()
    thread = threading.Thread(target=used.watch, args=(worker,))
    thread.start()
    try:
        yield used
    finally:
        used.over.set()
        thread.join()


def measure(
    way: Way, number: int, version: str, url: str, rate_per_s: float, deploy: Callable[[], Deploy]
) -> Sample:
    """Deploy a version in one way under load and return what it came to."""
    done, seen = watched(url, version, rate_per_s, deploy)
    return Sample(
        way=way,
        round=number,
        version=version,
        seconds=seen["first_seen"][version] - done.span.start,
        only_new_s=_last_of_others(seen["last_seen"], version) - done.span.start,
        ended_s=done.span.end - done.span.start,
        sent=seen["sent"],
        lost=seen["lost"],
        longest_gap_ms=seen["longest_gap_ms"],
        round_trips=done.round_trips,
        cpu_s=done.cpu_s,
        run=done.run,
    )


def watched(
    url: str, version: str, rate_per_s: float, change: Callable[[], T]
) -> tuple[T, dict[str, Any]]:
    """Change what serves under load; return what that came to, and what the prober saw of it.

    Args:
        url: The address that is asked all the time.
        version: What shall answer there in the end.
        rate_per_s: How often it is asked.
        change: Changes it.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "probe.json"
        with _probing(url, out, rate_per_s):
            done = change()
            wait_until(
                lambda: _answers(url, version), f"{version} at {url}", timeout_s=SEEN_WITHIN_S
            )
            time.sleep(SETTLE_S)
        return done, json.loads(out.read_text(encoding="utf-8"))


def _last_of_others(last_seen: dict[str, float], version: str) -> float:
    return max(at for one, at in last_seen.items() if one != version)


def _answers(url: str, version: str) -> bool:
    with suppress(httpx.HTTPError):
        return version_in(httpx.get(url).content) == version
    return False


@contextmanager
def _probing(url: str, out: Path, rate_per_s: float) -> Generator[None]:
    """Ask an address all the time; the block begins when it has answered."""
    words = [sys.executable, "-m", "infra.rehearsal.probe", url, str(out), "--rate"]
    with subprocess.Popen(
        [*words, str(rate_per_s)], stdout=subprocess.PIPE, cwd=CHECKOUT
    ) as asking:
        if asking.stdout is None or not asking.stdout.readline():
            raise RehearsalError(
                f"the prober of {url} ended at once",
                "Nothing was measured.",
                "Read what it wrote above, then run bin/bench again.",
            )
        try:
            yield
        finally:
            asking.terminate()
