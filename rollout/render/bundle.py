"""The evidence of a refused release, as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollout.model.bundle import Bundle
    from rollout.model.outside import Outside
    from rollout.model.release import Release

_NOTHING = "nothing was written"


def render_bundle(
    release: Release, bundle: Bundle, outside: Outside, mask: Callable[[str], str] | None
) -> str:
    """Return the evidence as markdown.

    Args:
        release: What was refused.
        bundle: What the host said.
        outside: What the public address was like at that moment.
        mask: Hides secrets in a text; None where they could not be read: what programs wrote is
            left out then, because it may hold one.
    """
    return "\n".join(
        (
            f"# Why release {release.number} was left",
            "",
            "What was seen before anything was undone.",
            "",
            "## From outside",
            "",
            *_outside(outside),
            *_machine(bundle),
            *(_logs(bundle, mask) if mask else _without_logs(bundle)),
            "",
        )
    )


def _outside(outside: Outside) -> Iterator[str]:
    failing = ", ".join(sorted(outside.failing)) or "none"
    yield f"- **address:** {outside.url}"
    yield f"- **status:** {outside.status or outside.problem or 'no answer'}"
    yield f"- **version:** {outside.version or 'not told'}"
    yield f"- **answered by:** {outside.upstream or 'not told'}"
    yield f"- **dependencies that do not answer:** {failing}"


def _machine(bundle: Bundle) -> Iterator[str]:
    yield from _part("The host", bundle.machine)
    states = "\n".join(f"{one.name}: {one.state.strip()}" for one in bundle.containers)
    yield from _part("States of the containers", states)


def _logs(bundle: Bundle, mask: Callable[[str], str]) -> Iterator[str]:
    yield from _part("The proxy's warnings and errors", mask(bundle.proxy))
    for one in bundle.containers:
        yield from _part(f"Last lines of {one.name}", mask(one.log))


def _without_logs(bundle: Bundle) -> Iterator[str]:
    names = ", ".join(one.name for one in bundle.containers) or "no container"
    yield ""
    yield f"The logs of {names} are left out: the secrets to hide in them could not be read."


def _part(title: str, text: str) -> Iterator[str]:
    """Yield a heading and a text as it is; a fence in it must not end ours."""
    shown = text.strip().replace("```", "'''") or _NOTHING
    yield from ("", f"## {title}", "", "```text", shown, "```")
