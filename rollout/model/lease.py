"""The right to change a target, as values: who asks for it, who has it, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for a target's lease.

    Attributes:
        token: Names this one owner; no other claim has it. Changing commands carry it.
        owner: Who, in words for people: a run, or a person.
        reason: What for.
        link: Where to look; empty for a person.
        asked_at: When it was first asked for, ISO 8601 in UTC: of two deploys that wait, the later
            one is the newer.
        supersedes: Whether it is a deploy: a newer one takes the place of those that have changed
            nothing yet.
    """

    token: str
    owner: str
    reason: str = ""
    link: str = ""
    asked_at: str = ""
    supersedes: bool = False

    def as_holder(self) -> Holder:
        """Return it as somebody who holds, at a time that nobody has told."""
        return Holder(self.owner, self.reason, self.link, token=self.token)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a target's lease, or holds deploys back.

    Attributes:
        owner: Who, in words for people.
        reason: What for; empty where nobody said.
        link: Where to look; empty where there is nothing to see.
        since: Since when, ISO 8601 in UTC by the host's clock.
        until: When it ends by itself, likewise; empty means never.
        token: As in its claim.
    """

    owner: str
    reason: str = ""
    link: str = ""
    since: str = ""
    until: str = ""
    token: str = ""

    def describe(self) -> str:
        """Return who, since when, what for and where to look, as a fragment.

        Example:
            >>> Holder("ada", "a slow query", since="2026-11-23T08:00:00Z").describe()
            'ada since 2026-11-23T08:00:00Z (a slow query)'
        """
        about = ", ".join(filter(None, (self.reason, self.until and f"until {self.until}")))
        about = f" ({about})" if about else ""
        return f"{self.owner} since {self.since or 'an unknown time'}{about}"


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """What a host says of its lease.

    Attributes:
        holder: Who has it now; None means that it is free.
        hold: Who holds deploys back; None means nobody.
    """

    holder: Holder | None = None
    hold: Holder | None = None
