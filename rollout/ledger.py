"""The ledger: the append-only history of a host's releases, and what it says of today.

One JSON object a line. The host's file is the truth, so it is read strictly: a torn last line is a
crash in the middle of an append and counts for nothing; anything else that is no entry, or that
cannot follow the entries before it, is an error. Everything that says what may follow what lives in
`_ALLOWED`.

| event | what is true of the release then | who writes it |
| --- | --- | --- |
| prepared | its folder lies on the host | deploy-prod, after the upload |
| migrated | the database was seen to hold what its code expects | deploy-prod, after prepared |
| activated | the proxy sends requests to it | deploy-prod, rollback, after the switch |
| verified | it was seen from outside, with all that belongs to it | verify |
| failed | it was not seen from outside as it should be | deploy-prod's return, before it leaves |
| rolled-back | somebody left it for an earlier one | rollback, after the earlier one serves |
| abandoned | it never served, and the run that made it is over | the next deploy, before its own |
| superseded | its run ended itself for a newer merge | that run, a retried one, before it ends |

A run has a number only from deploy-prod on, which comes after migrate-prod: so one that gives way
before it was ever retried leaves no line. One that was cut after the switch is caught up with by
the next one, which also abandons what a run that gave way while it waited had begun.
A ledger from before `migrated`, `abandoned` and `superseded` reads as it always did.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal, cast, get_args

from rollout.errors import LedgerCorrupt

Event = Literal[
    "prepared",
    "migrated",
    "activated",
    "verified",
    "failed",
    "rolled-back",
    "abandoned",
    "superseded",
]
Stage = Literal["unknown"] | Event

EVENTS: tuple[Event, ...] = get_args(Event)
STAGES: tuple[Stage, ...] = ("unknown", *EVENTS)

# What may happen to a release at each stage. A release becomes known by being prepared; only one
# that has served can be verified or left. A failed or left one may serve again: that is the way
# back from a release after it that is worse. One that was given up before it served has to be
# prepared anew, as a retried run does.
_ALLOWED: dict[Stage, tuple[Event, ...]] = {
    "unknown": ("prepared",),
    "prepared": ("prepared", "migrated", "activated", "failed", "abandoned", "superseded"),
    "migrated": ("migrated", "activated", "failed", "abandoned", "superseded"),
    "activated": ("prepared", "activated", "verified", "failed", "rolled-back"),
    "verified": ("activated", "verified", "failed", "rolled-back"),
    "failed": ("prepared", "activated", "verified", "failed", "rolled-back"),
    "rolled-back": ("activated", "verified", "failed", "rolled-back"),
    "abandoned": ("prepared", "abandoned"),
    "superseded": ("prepared", "superseded"),
}


# A release can fail before it serves, so its stage alone does not say whether these may follow.
_AFTER_SERVING: tuple[Event, ...] = ("verified", "rolled-back")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger.

    Attributes:
        release: The release's number.
        event: What happened to it.
        version: The commit.
        digest: The image's digest.
        actor: Who asked for it.
        reason: Why; empty means that the merge itself is the reason.
        run_id: The Prefect flow run.
        at: ISO 8601, UTC, by the host's clock; empty until the host has written it.
    """

    release: int
    event: Event
    version: str
    digest: str
    actor: str = ""
    reason: str = ""
    run_id: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What the history says of today.

    Attributes:
        current: The release that was activated last; None when none ever was.
        good: The releases that were verified and have not failed or been left since, the one that
            was verified last at the end.
        stages: Each known release's last stage.
        versions: Each known release's commit.
        entries: The history itself.
    """

    current: int | None = None
    good: tuple[int, ...] = ()
    stages: dict[int, Stage] = field(default_factory=dict[int, Stage])
    versions: dict[int, str] = field(default_factory=dict[int, str])
    entries: tuple[Entry, ...] = ()

    @property
    def previous_good(self) -> int | None:
        """Return the release to go back to from the current one; None when there is none."""
        return self.good_before(self.current)

    def good_before(self, serving: int | None) -> int | None:
        """Return the release to go back to from the one that serves; None when there is none.

        That is the one that was verified last of those before it: of another version, since the
        same one with other secrets is no way back, and of none that a rollback has left.
        """
        own = self.versions.get(serving or 0)
        first = None if serving is None else self._since(serving)
        earlier = (one for one in reversed(self.good) if first is None or one < first)
        others = ((one, self.versions[one]) for one in earlier)
        return next((one for one, of in others if of != own and not self.is_left(of)), None)

    def _since(self, serving: int) -> int:
        """Return the release that the one that serves stands for, in the order of releases.

        New secrets give the same code a new number; it began with the first of those in a row. What
        came by a rollback stands where its version began, so going back twice goes further back.
        """
        own = self.versions.get(serving, "")
        row: list[int] = []
        went_back = False
        for one in reversed(self.entries):
            if one.event == "activated" and one.version != own:
                break
            went_back = went_back or one.event == "rolled-back"
            row += [one.release] if one.event == "activated" else []
        if row and went_back:
            row = [number for number, version in self.versions.items() if version == own]
        return min(row, default=serving)

    def last_said(self, version: str) -> Entry | None:
        """Return the last entry about any release of a version; None where there is none."""
        return next((one for one in reversed(self.entries) if one.version == version), None)

    def is_left(self, version: str) -> bool:
        """Return whether a version was left by a rollback, and not taken up since."""
        last = self.last_said(version)
        return last is not None and last.event == "rolled-back"

    def stage(self, release: int) -> Stage:
        """Return what happened last to a release; `unknown` when nothing did."""
        return self.stages.get(release, "unknown")

    def served(self, release: int) -> bool:
        """Return whether a release was ever activated."""
        return any(one.release == release and one.event == "activated" for one in self.entries)

    def was_seen(self, release: int) -> bool:
        """Return whether a release was ever verified, or left by a rollback as one that was."""
        seen = (one.event for one in self.entries if one.release == release)
        return not {"verified", "rolled-back"}.isdisjoint(seen)

    def activated_by(self, release: int) -> str:
        """Return the run that activated a release last; empty when none did, or nobody knows."""
        own = (one for one in reversed(self.entries) if one.release == release)
        return next((one.run_id for one in own if one.event == "activated"), "")

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """Return the last entry about each release that only began and never came to serve."""
        last = {one.release: one for one in self.entries}
        begun = (one for one in last.values() if one.event in ("prepared", "migrated"))
        return tuple(one for one in begun if not self.served(one.release))

    def allows(self, event: Event, release: int) -> bool:
        """Return whether this may happen next to a release."""
        return _may_follow(event, self.stage(release), served=self.served(release))


def render_entry(entry: Entry) -> str:
    """Return the entry as a JSON object on one line, without its time: the host writes that.

    Example:
        >>> render_entry(Entry(1, "prepared", "c0ffee", "sha256:1"))[:37]
        '{"release": 1, "event": "prepared", "'
    """
    said = asdict(entry)
    del said["at"]
    return json.dumps(said)


def parse_ledger(text: str) -> tuple[Entry, ...]:
    """Return the entries of a ledger's text; empty text is an empty history.

    Args:
        text: The whole file. What stands after the last line end is torn and left out.

    Raises:
        LedgerCorrupt: When a whole line is no entry.
    """
    *whole, _torn = text.split("\n")
    return tuple(_entry(number, line) for number, line in enumerate(whole, 1))


def fold(entries: tuple[Entry, ...]) -> LedgerState:
    """Return what a history says of today.

    Raises:
        LedgerCorrupt: When an entry cannot follow the ones before it.
    """
    current: int | None = None
    good: dict[int, None] = {}
    stages: dict[int, Stage] = {}
    versions: dict[int, str] = {}
    served: set[int] = set()
    for number, entry in enumerate(entries, 1):
        stage = stages.get(entry.release, "unknown")
        if not _may_follow(entry.event, stage, served=entry.release in served):
            raise LedgerCorrupt(
                number, f"release {entry.release} is {stage} and cannot be {entry.event}"
            )
        if entry.event == "activated":
            current = entry.release
            served.add(entry.release)
        # Being verified adds a release at the end; to be given up takes it away.
        if entry.event in ("verified", "failed", "rolled-back"):
            good.pop(entry.release, None)
        if entry.event == "verified":
            good[entry.release] = None
        stages[entry.release] = entry.event
        versions[entry.release] = entry.version
    return LedgerState(current, tuple(good), stages, versions, entries)


def read_ledger(text: str) -> LedgerState:
    """Return what a ledger's text says of today.

    Raises:
        LedgerCorrupt: When the text cannot be trusted.
    """
    return fold(parse_ledger(text))


def _may_follow(event: Event, stage: Stage, *, served: bool) -> bool:
    return event in _ALLOWED[stage] and (served or event not in _AFTER_SERVING)


def _entry(number: int, line: str) -> Entry:
    try:
        said: object = json.loads(line)
    except json.JSONDecodeError:
        raise LedgerCorrupt(number, "is no JSON") from None
    if not isinstance(said, dict):
        raise LedgerCorrupt(number, "is no JSON object")
    values = cast("dict[str, object]", said)
    release, event = values.get("release"), values.get("event")
    if not isinstance(release, int) or isinstance(release, bool) or release < 1:
        raise LedgerCorrupt(number, "names no release")
    if event not in EVENTS:
        raise LedgerCorrupt(number, f"{event!r} is no event")
    texts = ("version", "digest", "actor", "reason", "run_id", "at")
    return Entry(release, event, **{name: str(values.get(name, "")) for name in texts})
