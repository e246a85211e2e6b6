"""What containers wrote, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "other"]


@dataclass(frozen=True, slots=True)
class LogWindow:
    """What one service wrote in a while.

    Attributes:
        service: The compose service; that of the switched one for each of its releases.
        text: Its last lines, both streams, within the bound; secrets are not masked yet.
        cut: Whether there was more than the bound.
    """

    service: str
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Logs:
    """What the services wrote since the activation, and in a time as long before it.

    Attributes:
        seconds: How long each of the two is.
        now: Since the activation.
        before: Before it.
    """

    seconds: float
    now: tuple[LogWindow, ...] = ()
    before: tuple[LogWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class NewError:
    """An error that was not written before the activation.

    Attributes:
        service: Who wrote it.
        fingerprint: Its words, without what differs from one time to the next.
        count: How often.
        example: The first line of it, as it was written.
    """

    service: str
    fingerprint: str
    count: int
    example: str
