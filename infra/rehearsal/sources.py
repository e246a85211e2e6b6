"""Which mirror the machine's own package manager uses; text in, values out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RELEASE_OF_DEBIAN = "trixie"
OLDER_DEBIAN = "bookworm"
KEYRINGS = {
    "debian": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A mirror and the suites that the machine takes from it."""

    uri: str
    suites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """What the roots are made of.

    Attributes:
        release: code name of the release in the roots.
        lines: its apt sources, one a line.
        packages_of_caddy: how apt is asked for Caddy (Debian's stable one is too old).
        older: the apt source of the release before it, one a line; empty where there is none.
    """

    release: str
    lines: tuple[str, ...]
    packages_of_caddy: str
    older: tuple[str, ...] = ()


def parse_sources(texts: Iterable[str]) -> tuple[Source, ...]:
    """Return the binary package sources of apt's files, in both of apt's formats."""
    return tuple(source for text in texts for source in (*_stanzas(text), *_one_liners(text)))


def _stanzas(text: str) -> Iterable[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if "deb" in fields.get("Types", "").split():
            for uri in fields.get("URIs", "").split():
                yield Source(uri, tuple(fields.get("Suites", "").split()))


def _one_liners(text: str) -> Iterable[Source]:
    for uri, suite in re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE):
        yield Source(uri, (suite,))


def choose_distribution(
    identity: str, codename: str, sources: Iterable[Source]
) -> Distribution | None:
    """Return the release that the roots are built of, from the machine's own mirror.

    On Debian that is always Debian 13, whichever release the machine runs: an engine with Compose
    v2 is in there. On Ubuntu it is the machine's own release; that branch was never tried.

    Args:
        identity: `ID` of /etc/os-release.
        codename: `VERSION_CODENAME` of /etc/os-release.
        sources: the machine's own.

    Returns:
        None where the machine is neither, or names no mirror for its own release.
    """
    known = tuple(sources)
    main = _mirror_of(known, codename)
    keyring = KEYRINGS.get(identity)
    if main is None or keyring is None:
        return None
    if identity == "ubuntu":
        lines = tuple(
            f"deb [signed-by={keyring}] {main} {suite} main universe"
            for suite in (codename, f"{codename}-updates")
        )
        return Distribution(codename, lines, "caddy")
    suites = [(main, suite) for suite in ("trixie", "trixie-updates", "trixie-backports")]
    security = _mirror_of(known, f"{codename}-security")
    if security:
        suites.append((security, f"{RELEASE_OF_DEBIAN}-security"))
    lines = tuple(f"deb [signed-by={keyring}] {uri} {suite} main" for uri, suite in suites)
    older = (f"deb [signed-by={keyring}] {main} {OLDER_DEBIAN} main",)
    return Distribution(RELEASE_OF_DEBIAN, lines, f"caddy/{RELEASE_OF_DEBIAN}-backports", older)


def _mirror_of(sources: Iterable[Source], suite: str) -> str | None:
    return next((source.uri for source in sources if suite in source.suites), None)
