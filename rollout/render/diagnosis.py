"""What people read of a failure: its diagnosis, and the evidence under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.render.report import cell, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.model.diagnosis import Diagnosis
    from rollout.model.release import Release
    from rollout.model.seen import ContainerSeen, Evidence, HostSeen, OutsideSeen

MOST_CHARACTERS = 16_000
"""An artifact is for people: what is longer is cut, and says so."""
LINES = 20
"""How many of a container's last lines stand in a diagnosis."""
MOST_OF_EVIDENCE = 64_000
"""The same, of an artifact that is there for what was logged."""
_MIB = 1024 * 1024


def render_diagnosis(diagnosis: Diagnosis, evidence: Evidence) -> str:
    """Return a diagnosis with its evidence as markdown, bounded."""
    title = diagnosis.code if diagnosis.is_known else "a cause that nobody knows yet"
    first_line = next(iter(diagnosis.true.splitlines()), "")
    text = "\n".join(
        (
            f"# {evidence.phase or 'The run'} failed: {title}",
            "",
            f"- **True:** {plain(first_line)}",
            f"- **Cause:** {plain(diagnosis.cause)}",
            *((f"- **Seen:** {plain(diagnosis.seen)}",) if diagnosis.seen else ()),
            f"- **Left:** {plain(diagnosis.left) or 'nothing is known of it'}",
            f"- **Users:** {plain(diagnosis.impact)}",
            *_next(diagnosis.next_step),
            f"- **Retry:** {diagnosis.retry.value}",
            *(f"- **Also seen:** {plain(one)}" for one in diagnosis.also),
            *(_page(diagnosis)),
            *(("", *_code(diagnosis.commands, "sh")) if diagnosis.commands else ()),
            "",
            "## Evidence",
            *_evidence(evidence),
            "",
        )
    )
    return _bounded(text, MOST_CHARACTERS)


def render_evidence(release: Release, evidence: Evidence) -> str:
    """Return what was seen of a refused release before it was left, as markdown, bounded.

    Args:
        release: What was refused.
        evidence: What was seen, with secrets masked.
    """
    text = "\n".join(
        (
            f"# Why release {release.number} was left",
            "",
            "What was seen before anything was undone.",
            *_evidence(evidence, whole=True),
            "",
        )
    )
    return _bounded(text, MOST_OF_EVIDENCE)


def _bounded(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most]}\n```\n\nThe rest is cut off; the log has it.\n"


def _next(text: str) -> Iterator[str]:
    """Yield what to do; lines that a person is to paste stay lines."""
    first, *lines = text.splitlines() or [""]
    yield f"- **Next:** {plain(first)}"
    if lines:
        yield from (f"  {line}" for line in _code(map(str.strip, lines), "sh"))


def _page(diagnosis: Diagnosis) -> tuple[str, ...]:
    return (f"- **Page:** `docs/failures.md#{diagnosis.code}`",) if diagnosis.is_known else ()


def _evidence(evidence: Evidence, *, whole: bool = False) -> Iterator[str]:
    yield from ("", *_code(evidence.true.splitlines()))
    yield from _said(evidence)
    yield from _seen(evidence, whole=whole)
    for line in evidence.trouble:
        yield from ("", f"could not be looked at: {plain(line)}")


def _said(evidence: Evidence) -> Iterator[str]:
    """Yield what the failed program itself said."""
    if evidence.command:
        ended = f"ended with exit status {evidence.exit_code}"
        yield from ("", f"`{plain(evidence.command)}` {ended}", "")
        yield from _code((*evidence.stdout, *evidence.stderr) or ("nothing written",))
    if evidence.sqlstate:
        yield from ("", f"SQLSTATE `{evidence.sqlstate}`")
    for check in evidence.checks:
        yield from ("", f"{plain(check.name)} {check.state}:", "", *_code(check.lines))
    if evidence.stage:
        yield from ("", f"the build stopped in its stage {evidence.stage}")


def _seen(evidence: Evidence, *, whole: bool) -> Iterator[str]:
    """Yield what was looked at after it had failed."""
    if evidence.container:
        yield from ("", *_container(evidence.container, LINES))
    if evidence.route:
        route = evidence.route
        where = ", ".join(route.addresses) or "no address"
        reached = route.failure or "reached"
        yield from ("", f"way to {route.name} port {route.port}: {where}, {reached}")
    if evidence.outside:
        yield from ("", *_outside(evidence.outside))
    if evidence.host:
        yield from ("", *_host(evidence.host, whole=whole))


def _container(one: ContainerSeen, most: int) -> Iterator[str]:
    facts = (
        one.status,
        f"exit status {one.exit_code}",
        "OOMKilled" if one.oom_killed else "",
        one.error,
        one.health,
        f"built for {one.built_for} on {one.runs_on}" if one.built_for else "",
        f"listens on {', '.join(map(str, one.listens))}" if one.listens else "",
        f"health path: HTTP {one.http_status} {one.location}" if one.http_status else "",
        one.health_output,
    )
    yield f"container {one.service}: {plain('; '.join(filter(None, facts)))}"
    if one.lines:
        yield from ("", *_code(one.lines[-most:]))


def _outside(seen: OutsideSeen) -> Iterator[str]:
    route = seen.route
    yield (
        f"{seen.url}: {', '.join(route.addresses) or 'no address'}, {route.failure or 'reached'}; "
        f"certificate: {seen.certificate_words or 'not looked at'}; HTTP {seen.http_status}; "
        f"answered by {seen.upstream or 'nobody who says so'}"
    )
    if seen.checks:
        yield from ("", "| check | ok | ms |", "| --- | --- | ---: |")
        for one in seen.checks:
            yield f"| {cell(one.name)} | {str(one.ok).lower()} | {one.latency_ms} |"


def _host(seen: HostSeen, *, whole: bool) -> Iterator[str]:
    memory = seen.memory_available_bytes
    yield (
        f"host: engine {seen.engine or 'does not answer'} ({seen.architecture}), "
        f"memory available {memory // _MIB if memory is not None else '?'} MiB, "
        f"clock {seen.clock_ahead_s or 0:+.1f} s"
    )
    rooms = (f"{one.place}: {one.free_bytes // _MIB} MiB free" for one in seen.rooms)
    yield from ("", "; ".join(rooms))
    if whole:
        said = seen.proxy or ("nothing written",)
        yield from ("", "the proxy's warnings and errors:", "", *_code(said))
    for one in seen.containers:
        yield from ("", *_container(one, len(one.lines) if whole else LINES))
    if seen.compose and seen.compose.exit_code:
        yield from ("", f"compose reads {seen.compose.file}:", "", *_code(seen.compose.lines))


def _code(lines: Iterable[str], kind: str = "text") -> tuple[str, ...]:
    """Return lines as a block that none of them can end."""
    return (f"```{kind}", *(line.replace("```", "'''") for line in lines), "```")
