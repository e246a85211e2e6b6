"""Matches evidence against the known failures."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from rollout.diagnose.failures import FAILURES
from rollout.model.diagnosis import UNKNOWN, Diagnosis, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.diagnose.failure import Told
    from rollout.model.seen import ContainerSeen, Evidence

_BEFORE_THE_SWITCH = ("quality", "build-push", "migrate-prod", "checkout", "preflight")
_SEEN_CHARACTERS = 300
_LEFT_OUT = "what the containers wrote: the secrets to hide in it could not be read"


def diagnose(evidence: Evidence) -> Diagnosis:
    """Return what a failure comes down to.

    Args:
        evidence: What is known of it.

    Returns:
        The first known failure that fits and does not stand back, and beside it the causes of the
        others that do; with the code `unknown` when none does.
    """
    fits = [(one, said) for one in FAILURES if (said := one.look(evidence)) is not None]
    told = sorted(fits, key=lambda each: each[1].stands_back)
    if not told:
        return _unknown(evidence)
    (failure, first), *others = told
    return Diagnosis(
        code=failure.code,
        true=evidence.true,
        cause=first.cause,
        seen=_short(first.seen),
        left=evidence.left,
        impact=first.impact or _impact(evidence),
        next_step=first.next_step,
        commands=first.commands,
        retry=first.retry,
        also=tuple(_told(one.code, said) for one, said in others if not one.is_general),
    )


def masked(evidence: Evidence, mask: Callable[[str], str]) -> Evidence:
    """Return evidence with a mask put over each of its texts."""
    return cast("Evidence", _over(evidence, mask))


def without_logs(evidence: Evidence) -> Evidence:
    """Return evidence without what the application's containers wrote, and say that it is left out.

    For where nothing can hide a secret in it.
    """
    container, host = evidence.container, evidence.host
    return replace(
        evidence,
        container=_silent(container) if container else None,
        host=replace(host, containers=tuple(map(_silent, host.containers)), proxy=())
        if host
        else None,
        trouble=(*evidence.trouble, _LEFT_OUT),
    )


def without_lines_of(evidence: Evidence, services: frozenset[str]) -> Evidence:
    """Return evidence without what the containers of some services wrote; none changes nothing.

    Where the proxy is one of them, so is what surrounds the releases: neither its own lines nor
    what compose says of a file with the same secrets can be shown.

    Args:
        evidence: What was seen.
        services: Those whose secrets can no longer be read, so that nothing can hide them.
    """
    container, host = evidence.container, evidence.host
    if host:
        shown = (_silent(one) if one.service in services else one for one in host.containers)
        host = replace(host, containers=tuple(shown))
        if evidence.around.proxy in services:
            host = replace(host, proxy=(), compose=None)
    if container and container.service in services:
        container = _silent(container)
    return replace(evidence, container=container, host=host)


def _silent(container: ContainerSeen) -> ContainerSeen:
    return replace(container, lines=(), health_output="")


def _unknown(evidence: Evidence) -> Diagnosis:
    return Diagnosis(
        code=UNKNOWN,
        true=evidence.true,
        cause="unknown: no known failure fits; the artifact `diagnosis` shows the evidence",
        seen="",
        left=evidence.left,
        impact=_impact(evidence),
        next_step=evidence.next_step,
        commands=(evidence.doctor,),
        retry=Retry.NO,
    )


def _impact(evidence: Evidence) -> str:
    """Return what users notice, as far as the failed phase tells it."""
    if evidence.phase.startswith(_BEFORE_THE_SWITCH):
        return "Users notice nothing: what served before serves on."
    return f"What users see: {evidence.around.url or 'ask the public address'}."


def _told(code: str, said: Told) -> str:
    return f"{code}: {said.cause} ({_short(said.seen)})"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SEEN_CHARACTERS else f"{line[: _SEEN_CHARACTERS - 1]}…"


def _over(value: object, mask: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, tuple):
        return tuple(_over(one, mask) for one in cast("tuple[object, ...]", value))
    if is_dataclass(value) and not isinstance(value, type):
        parts: dict[str, Any] = {
            field.name: _over(getattr(value, field.name), mask) for field in fields(value)
        }
        return replace(value, **parts)
    return value
