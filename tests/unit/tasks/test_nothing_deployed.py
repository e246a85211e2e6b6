"""Before the first release there is nothing to look at, which is no failure; a lost one is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import flows.drift
import flows.verify
import tasks.deployed
import tasks.drift
from rollout.commands.host import ENGINE_SILENT, NOT_PREPARED
from rollout.errors import CommandFailed, HostUnreachable
from rollout.executors.files import read_environment
from rollout.model.command import Command, Result
from rollout.model.drift import Unlooked
from tasks.deployed import read_deployed

if TYPE_CHECKING:
    from collections.abc import Generator

SETTINGS = read_environment("rehearsal")
READS_MACHINE = "# read the machine"
WHY = (
    "no release was ever deployed to production, so there is nothing to look at; deploy a commit "
    "first"
)


class _Host:
    """A host that answers each script by its first line."""

    def __init__(self, exit_code: int, stdout: str = "", machine: str = "") -> None:
        self._answer = (exit_code, stdout)
        self._machine = machine

    def run(self, command: Command) -> Result:
        asks_machine = any(READS_MACHINE in word for word in command.argv)
        code, stdout = (0, self._machine) if asks_machine else self._answer
        return Result(command, code, stdout, "", 0.1)

    def check(self, command: Command, what: str, *, next_step: str) -> Result:
        if any("# read who has the lease" in word for word in command.argv):
            return Result(command, 0, "", "", 0.1)
        result = self.run(command)
        if not result.ok:
            raise CommandFailed(what, result, next_step=next_step)
        return result


def deployed(host: _Host) -> Any:
    there: Any = host
    return read_deployed(there, SETTINGS)


@pytest.fixture(autouse=True)
def empty_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.deployed, "holds_nothing", lambda _: True)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(_Host(NOT_PREPARED), id="nothing of ours is there"),
        pytest.param(_Host(ENGINE_SILENT), id="only the folder with the lease, and no right yet"),
        pytest.param(_Host(0), id="prepared"),
    ],
)
def test_a_host_without_any_release_has_nothing_deployed(host: _Host):
    assert deployed(host) is None


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(_Host(NOT_PREPARED, machine="directory 700 root"), id="a folder locked to us"),
        pytest.param(_Host(NOT_PREPARED, machine="containers 5"), id="a folder that was removed"),
        pytest.param(_Host(ENGINE_SILENT, machine="containers 5"), id="a login without its right"),
        pytest.param(_Host(ENGINE_SILENT, "live web-r2\n"), id="an engine that went silent"),
        pytest.param(_Host(1), id="something else"),
    ],
)
def test_a_host_that_may_have_had_one_and_cannot_be_read_fails(host: _Host):
    with pytest.raises(CommandFailed, match="the host could not be read"):
        deployed(host)


def test_a_machine_that_was_made_anew_is_missed_by_what_the_database_holds(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(tasks.deployed, "holds_nothing", lambda _: False)

    facts = deployed(_Host(0))
    assert (facts.current, facts.releases) == (None, {})
    with pytest.raises(CommandFailed, match="the host could not be read"):
        deployed(_Host(NOT_PREPARED))


def test_what_was_deployed_is_read_in_one_go():
    assert deployed(_Host(0, "live web-r2\ncurrent releases/2\n")).current == 2


def test_a_host_that_is_not_reached_fails():
    class Away(_Host):
        def run(self, command: Command) -> Result:
            raise HostUnreachable(f"no answer to {command}", next_step="See whether it runs.")

    with pytest.raises(HostUnreachable):
        deployed(Away(0))


def test_verify_and_drift_end_well_and_say_so(monkeypatch: pytest.MonkeyPatch):
    @contextmanager
    def reach(_: object) -> Generator[_Host]:
        yield _Host(NOT_PREPARED)

    monkeypatch.setattr(flows.verify, "deployed_release", lambda _: None)
    monkeypatch.setattr(tasks.drift, "reach", reach)
    monkeypatch.setattr(flows.drift, "look_for_drift", tasks.drift.look_for_drift.fn)

    verified, looked = flows.verify.verify.fn("production"), flows.drift.drift.fn("production")

    for state in (verified, looked):
        assert (state.is_completed(), state.name, state.message) == (True, "NothingDeployed", WHY)
    assert tasks.drift.look_for_drift.fn("production") == Unlooked("NothingDeployed", WHY)
