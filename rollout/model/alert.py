"""An alert of the monitoring, as verify judges it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alert:
    """A policy that was violated once.

    Attributes:
        policy: The policy's name, as people gave it.
        opened_at: When it opened, ISO 8601, by the monitoring's clock.
        closed_at: When it closed; empty while it is open.
    """

    policy: str
    opened_at: str
    closed_at: str = ""
