"""A look that a run comes in between of is no failure; any other that sees something wrong is."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

import flows.verify
import tasks.deployed
from rollout.errors import HostUnreachable, VerificationFailed
from rollout.executors.files import read_environment
from rollout.model.command import Command, Result
from tests.support.values import release

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.schemas.objects import State

READS_LEASE = "# read who has the lease"
SEEN = "release 1 was not seen serving: it says 2"
HOLDER = 'holder {"owner": "deploy 3f2a", "since": "2026-11-28T01:00:00Z"}\n'


class _Host:
    """A host with a current release, whose lease may be somebody's."""

    def __init__(self, current: int, lease: str = "", *, is_away: bool = False) -> None:
        self.current = current
        self.lease = lease
        self.is_away = is_away

    def check(self, command: Command, what: str, **_: str) -> Result:
        if self.is_away:
            raise HostUnreachable(what, next_step="See whether it runs.")
        asks_lease = any(READS_LEASE in word for word in command.argv)
        return Result(
            command, 0, self.lease if asks_lease else f"current releases/{self.current}\n", "", 0.1
        )


def looking(monkeypatch: pytest.MonkeyPatch, host: _Host) -> State[None]:
    """Verify release 1, which is not seen serving."""

    class Target:
        def __init__(self, _: str) -> None: ...

        def look(self, _: object) -> str:
            raise VerificationFailed(SEEN, next_step="Look.")

    @contextmanager
    def reach(_: object) -> Generator[_Host]:
        yield host

    monkeypatch.setattr(flows.verify, "Target", Target)
    monkeypatch.setattr(flows.verify, "explaining", nullcontext)
    monkeypatch.setattr(flows.verify, "deployed_release", lambda _: release(1))
    monkeypatch.setattr(flows.verify, "changed_meanwhile", tasks.deployed.changed_meanwhile.fn)
    monkeypatch.setattr(tasks.deployed, "reach", reach)
    monkeypatch.setattr(tasks.deployed, "tell", lambda _: None)
    monkeypatch.setattr(tasks.deployed, "settings_of", read_environment)
    monkeypatch.setattr(tasks.deployed, "demand_current", lambda facts, _: release(facts.current))
    return flows.verify.verify.fn("rehearsal")


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (_Host(1, HOLDER), "a run is changing the target"),
        (_Host(2), "release 2 has taken the place of release 1 meanwhile"),
    ],
    ids=["beside a run", "after one"],
)
def test_what_was_seen_while_the_target_was_changed_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, host: _Host, why: str
):
    state = looking(monkeypatch, host)

    assert (state.is_completed(), state.name) == (True, "Skipped")
    assert state.message == f"{why}; look again later. Seen: {SEEN}"


@pytest.mark.parametrize(
    "host", [_Host(1), _Host(2, is_away=True)], ids=["nothing changed", "nobody knows"]
)
def test_what_was_seen_otherwise_is_one(monkeypatch: pytest.MonkeyPatch, host: _Host):
    with pytest.raises(VerificationFailed, match="it says 2"):
        looking(monkeypatch, host)
