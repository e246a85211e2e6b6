"""What an activation came to, and what a rollback asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rollout.errors import ConfigInvalid
from rollout.model.release import Release

Secrets = Literal["recorded", "newest"]
"""Which versions of its secrets an earlier release is taken up with."""
Strategy = Literal["auto", "image", "revert", "corrective"]
"""How a rollback goes back; `auto` takes what the facts allow, the last two propose a commit."""
APPLY = "apply-corrective"
"""The name that a request accepts for a corrective migration to be applied, not only proposed."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A release that was made to serve, and what served before it.

    Attributes:
        release: What serves now.
        former: The number of the release that served before; None when there was none, or when
            this one served already.
        steps: How many steps that took; none when it served already.
        round_trips: How often the host was asked.
        seconds: How long it took.
        leaves: The number of the release that a rollback has left for it; None where none was.
        served: Whether it served already, and was seen serving before this run.
        undrained: What was stopped although somebody was still connected to it, as
            `trovella-web-r1-1 still had connections after 30 s`.
    """

    release: Release
    former: int | None
    steps: int
    round_trips: int
    seconds: float
    leaves: int | None = None
    served: bool = False
    undrained: tuple[str, ...] = ()

    @property
    def cut_off(self) -> str:
        """Return what was cut off by it, as a fragment; empty where all was drained."""
        told = ", ".join(self.undrained)
        return f"{told} and was stopped: what they carried was cut off" if told else ""


@dataclass(frozen=True, slots=True)
class Return:
    """What came of going back from a release that was refused.

    Attributes:
        told: What serves now, as full sentences.
        serves: Whether it is the release from before.
    """

    told: str
    serves: bool = False

    def after(self, activation: Activation) -> Return:
        """Return the same, with what the activation has cut off before it was gone back from."""
        cut_off = activation.cut_off
        return replace(self, told=f"{cut_off}. {self.told}") if cut_off else self


@dataclass(frozen=True, slots=True)
class Wish:
    """Which earlier release a rollback asks for, and why.

    Attributes:
        to: Its commit in 7 to 40 digits, which is its image's tag, or its number; empty takes the
            last good one before the current.
        strategy: How to go back.
        secrets: `recorded` takes the versions that it was made with; `newest` makes a new release
            of it with the newest ones.
        reason: Why.
        actor: Who asked; empty where nobody said.
        accept: Names of what its contract says may break; the request takes them upon itself.

    Raises:
        ConfigInvalid: When nobody says why, or something is asked for that the strategy cannot do.
    """

    to: str = ""
    strategy: Strategy = "auto"
    secrets: Secrets = "recorded"
    reason: str = ""
    actor: str = ""
    accept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ConfigInvalid("reason", "should say why: it stands in the way of the next deploy")
        if APPLY in self.accept and self.strategy != "corrective":
            raise ConfigInvalid("accept", f"{APPLY} goes with the strategy corrective")
        if self.proposes and (self.accept or self.secrets != "recorded"):
            raise ConfigInvalid(
                "strategy",
                f"{self.strategy} changes nothing on the host: secrets and accept go with auto, "
                f"image, and corrective where accept names {APPLY}",
            )

    @property
    def applies(self) -> bool:
        """Return whether a corrective migration is to be applied before going back."""
        return APPLY in self.accept

    @property
    def proposes(self) -> bool:
        """Return whether a pull request is all that is wanted: nothing on the host changes."""
        return self.strategy in ("revert", "corrective") and not self.applies

    def then(self, number: int) -> Wish:
        """Return the wish for what is left to do once the schema was corrected.

        Args:
            number: The release that was chosen, whatever would be chosen by then.
        """
        accept = tuple(name for name in self.accept if name != APPLY)
        return replace(self, to=str(number), strategy="image", accept=accept)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The release that a rollback takes up again, decided once for all tries of a run.

    Attributes:
        number: Its number.
        leaves: The release that served then; None where none of ours did.
    """

    number: int
    leaves: int | None
