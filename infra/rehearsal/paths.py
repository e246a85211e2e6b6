"""Where a rehearsal keeps its things, and what it is called by the kernel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One rehearsed world of this checkout.

    Attributes:
        name: tells several worlds of one checkout apart; `main` unless said otherwise.
        checkout: the folder that holds `.rehearsal/`.
    """

    name: str = "main"
    checkout: Path = CHECKOUT

    @property
    def identity(self) -> str:
        """Return the eight letters that keep this world's namespaces apart from any other's."""
        return hashlib.sha256(f"{self.checkout}\n{self.name}".encode()).hexdigest()[:8]

    @property
    def state(self) -> Path:
        """Return the folder of everything that belongs to this world alone."""
        return self.checkout / ".rehearsal" / self.name

    @property
    def cache(self) -> Path:
        """Return the folder of what all worlds of this checkout share: roots, images, the CA."""
        return self.checkout / ".rehearsal" / "cache"

    @property
    def world(self) -> Path:
        """Return the file that tells everybody the facts; it exists only while the world is up."""
        return self.state / "world.json"

    def machine(self, name: str) -> Path:
        """Return the folder of one machine's disk and bookkeeping."""
        return self.state / "machines" / name

    def netns(self, name: str) -> str:
        """Return the name of a machine's network namespace."""
        return f"rh-{self.identity}-{name}"

    @property
    def bundle(self) -> Path:
        """Return the trust store of everything inside: the machine's own and the rehearsal's CA."""
        return self.cache / "ca" / "bundle.pem"
