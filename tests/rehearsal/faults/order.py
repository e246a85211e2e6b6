"""What a deploy or a rollback in a process of its own is told, and what it tells."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from tests.support.vm import APPLICATION

# Nothing of a release is kept but the one before it, so every plan removes something.
KEEPS_ONE = APPLICATION.model_copy(update={"retain_releases": 1, "ready_timeout_s": 90})
AT, HELD = "/tmp/at-the-fault", "/tmp/hold-the-fault"


@dataclass(frozen=True, slots=True)
class Order:
    """A deploy of one version to one host.

    Attributes:
        host: The host's address; its key and the file of the login's key follow.
        version: What shall serve; `digest` is its image's.
        run_id: The run; one that was used before is that run's retry.
        caddyfile: The text of the application's Caddyfile.
        wait_s: How long the lease may be somebody else's, in seconds.
        before: The step before which the host stops until `HELD` is gone; None for none.
        pull_limit_s: How long the pull may take, in seconds; None as the plan says.
        back: Whether it is a rollback to the release of that version that the host has.
    """

    host: str
    host_key: str
    key_file: str
    version: str
    digest: str
    run_id: str
    caddyfile: str
    wait_s: float
    before: int | None = None
    pull_limit_s: float | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a deploy in a process of its own.

    Attributes:
        steps: The names of its plan's steps; empty when it came to no plan.
        error: The type of the error that it ended with; empty when it ended well, or was killed.
        message: The error's three parts.
        left: The state that the error says was left.
        again: What deciding again would do after it ended well; empty when it did not.
    """

    steps: tuple[str, ...] = ()
    error: str = ""
    message: str = ""
    left: str = ""
    again: str = ""

    @property
    def done(self) -> bool:
        """Whether it ended well."""
        return bool(self.again)


def render(value: Order | Told) -> str:
    """Return an order or an answer as one line."""
    return json.dumps(asdict(value))


def parse_told(text: str) -> Told:
    """Return what a process told: its plan first, then its end, unless it was killed before."""
    said: dict[str, Any] = {}
    for line in text.splitlines():
        said |= {name: value for name, value in json.loads(line).items() if value}
    return Told(**{**said, "steps": tuple(said.get("steps", ()))})


def plain(step: str) -> str:
    """Return a step's name without the numbers that each release has of its own.

    >>> plain("write into the ledger: release 12 prepared")
    'write into the ledger: release N prepared'
    """
    return re.sub(r"@sha256:\w+", "", re.sub(r"(web-r|release )\d+", r"\1N", step))
