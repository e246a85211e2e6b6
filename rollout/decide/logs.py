"""Judges logs: errors and warnings a minute against the time before, and errors that are new.

A line counts by its own level: Pino's numbers, Caddy's and others' words, and the first words of a
plain line. One error is the same as another when they differ in numbers, ids and quoted words only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from rollout.model.finding import Check
from rollout.model.logs import Level, Logs, LogWindow, NewError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollout.limits import Limits

# A burst within the first seconds is no rate: less than a minute counts as one.
SHORTEST_S = 60.0
LONGEST_FINGERPRINT = 160
LONGEST_EXAMPLE = 400
PINO_ERROR, PINO_WARNING = 50, 40

_WORDS: dict[str, Level] = {
    **dict.fromkeys(("error", "err", "fatal", "critical", "panic", "alert"), "error"),
    **dict.fromkeys(("warn", "warning"), "warning"),
}
# Times, `[12]`, brackets and the like may stand before a plain line's level.
_PLAIN = re.compile(
    r"^[\s\d:TZ.,+\-/\[\]()|]*"
    r"(?:(?P<error>error|err|fatal|critical|panic|uncaught|unhandled|traceback|\w*exception|\w+error)"
    r"|(?P<warning>warn|warning))\b",
    re.IGNORECASE,
)
_DIFFERS = (
    (re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`"), "'…'"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "#"),
    (re.compile(r"\b(?=[0-9a-z_-]*\d)[0-9a-z_-]{8,}\b", re.I), "#"),
    (re.compile(r"\d+"), "#"),
    (re.compile(r"\s+"), " "),
)


def level_of(line: str) -> Level:
    """Return how bad a line says that it is.

    Example:
        >>> level_of('{"level":50,"msg":"boom"}'), level_of("WARN: slow"), level_of("all is well")
        ('error', 'warning', 'other')
    """
    said = _object(line)
    if said is not None:
        level = said.get("level", said.get("severity"))
        if isinstance(level, int | float):
            return (
                "error" if level >= PINO_ERROR else "warning" if level >= PINO_WARNING else "other"
            )
        return _WORDS.get(str(level).lower(), "other")
    match = _PLAIN.match(line)
    if match is None:
        return "other"
    return "error" if match["error"] else "warning"


def fingerprint(line: str) -> str:
    """Return a line's words without what differs from one time to the next.

    Example:
        >>> fingerprint('{"level":50,"time":17,"msg":"note 12 is gone"}')
        'note # is gone'
        >>> fingerprint("Error: connect to 10.0.0.1:5432 refused")
        'Error: connect to #.#.#.#:# refused'
    """
    text = _message(line)
    for differs, instead in _DIFFERS:
        text = differs.sub(instead, text)
    return text.strip()[:LONGEST_FINGERPRINT]


def masked(logs: Logs, mask: Callable[[str], str]) -> Logs:
    """Return logs with their secrets hidden, in both windows, so that lines stay comparable."""
    now, before = (
        tuple(replace(one, text=mask(one.text)) for one in windows)
        for windows in (logs.now, logs.before)
    )
    return replace(logs, now=now, before=before)


def new_errors(logs: Logs) -> tuple[NewError, ...]:
    """Return the errors that no line from before has, the most frequent first."""
    known = {(service, print_) for service, print_, _ in _errors(logs.before)}
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for service, print_, line in _errors(logs.now):
        if (service, print_) not in known:
            counts[service, print_] += 1
            examples.setdefault((service, print_), line[:LONGEST_EXAMPLE])
    return tuple(
        NewError(service, print_, count, examples[service, print_])
        for (service, print_), count in counts.most_common()
    )


def log_checks(logs: Logs, limits: Limits) -> tuple[Check, ...]:
    """Return the checks of what was written since the activation.

    More errors a minute than before, beyond the limit, refuse. More warnings, and errors that are
    new but few, are told only.

    Args:
        logs: Both windows.
        limits: How much more is good enough.
    """
    minutes = max(logs.seconds, SHORTEST_S) / 60
    services = sorted({one.service for one in logs.now})
    checks: list[Check] = []
    for service in services:
        now, before = (_counts(windows, service) for windows in (logs.now, logs.before))
        # Of what was written before more is unknown than of what is written now: no refusal.
        cut = any(one.cut for one in logs.before if one.service == service)
        checks.append(
            Check(
                f"errors in the log of {service}",
                f"at most {limits.errors_per_min:g} a minute more than before",
                _rates(now["error"] / minutes, before["error"] / minutes),
                (now["error"] - before["error"]) / minutes <= limits.errors_per_min,
                "warn" if cut else "refuse",
            )
        )
        checks.append(
            Check(
                f"warnings in the log of {service}",
                f"at most {limits.warnings_per_min:g} a minute more than before",
                _rates(now["warning"] / minutes, before["warning"] / minutes),
                (now["warning"] - before["warning"]) / minutes <= limits.warnings_per_min,
                "warn",
            )
        )
    for service in sorted({one.service for one in logs.now if one.cut}):
        told = "its end only: the rates above are lower than they were"
        whole = Check(f"log of {service}", "read as a whole", told, ok=False, weight="warn")
        checks.append(whole)
    kinds = len(new_errors(logs))
    most = limits.new_errors
    told = f"{kinds} kinds" if kinds else "none"
    checks.append(Check("new errors in the logs", f"at most {most}", told, kinds <= most, "warn"))
    return tuple(checks)


def _rates(now: float, before: float) -> str:
    return f"{now:.1f} a minute, {before:.1f} before"


def _counts(windows: tuple[LogWindow, ...], service: str) -> Counter[Level]:
    lines = (line for one in windows if one.service == service for line in one.text.splitlines())
    return Counter(level_of(line) for line in lines)


def _errors(windows: tuple[LogWindow, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield service, fingerprint and line of each error."""
    for one in windows:
        for line in one.text.splitlines():
            if level_of(line) == "error":
                yield one.service, fingerprint(line), line


def _object(line: str) -> dict[str, Any] | None:
    """Return a line that is a JSON object; None for any other."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        said: object = json.loads(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", said) if isinstance(said, dict) else None


def _message(line: str) -> str:
    """Return what a line says to people: a JSON object's message and its reason, or all of it."""
    said = _object(line)
    if said is None:
        return line
    nested = cast("dict[str, Any]", said.get("err")) if isinstance(said.get("err"), dict) else {}
    reasons = (said.get("reason"), said.get("error"), nested.get("message"))
    parts = (said.get("msg", said.get("message")), *reasons)
    return ": ".join(one for one in parts if isinstance(one, str) and one)
