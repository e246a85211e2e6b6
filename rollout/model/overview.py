"""What an environment's releases look like today, as a value that is shown in several ways."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """One release, as a line of a table.

    Attributes:
        number: Its number.
        version: Its commit, 40 hexadecimal digits.
        image: Its image's digest.
        stage: What happened to it last, in the ledger's words.
        at: When that was: ISO 8601, UTC, by the host's clock.
        actor: Who asked for that; empty where nobody was named.
        reason: Why; empty means that the merge itself is the reason.
        run_id: The Prefect flow run that did it.
        migrations: How many its code expects; None when its folder is no longer on the host.
        on_host: Whether its folder is there, so that it can be gone back to without a build.
    """

    number: int
    version: str
    image: str
    stage: str
    at: str
    actor: str
    reason: str
    run_id: str
    migrations: int | None
    on_host: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """An environment's releases.

    Attributes:
        environment: Its name.
        live: The release that the proxy sends requests to; None when there is none.
        current: The release that was activated last, by the ledger; None when none ever was.
        previous_good: The release that a rollback would take; None when there is none.
        since: When the current one was activated last; empty when none ever was.
        releases: Newest first; empty when there is none.
    """

    environment: str
    live: int | None = None
    current: int | None = None
    previous_good: int | None = None
    since: str = ""
    releases: tuple[ReleaseLine, ...] = ()

    def release(self, number: int | None) -> ReleaseLine | None:
        """Return the line of a release; None when it is not among those shown."""
        return next((one for one in self.releases if one.number == number), None)
