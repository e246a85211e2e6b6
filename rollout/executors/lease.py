"""Holds a target's lease for as long as a run needs it.

A thread sends a line every few seconds over the run's one connection; when that is cut, it takes
the lease up again, which works as long as nobody else has had it in between.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING

from rollout.commands.lease import TAKEN, UNHELD, fenced, parse_said, take_command
from rollout.errors import (
    HeldBack,
    HostError,
    LeaseHeld,
    LeaseLost,
    OutcomeUnknown,
    Superseded,
)
from rollout.model.command import Command

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.commands.lease import Way
    from rollout.executors.host import Host
    from rollout.executors.stream import Stream
    from rollout.model.layout import Layout
    from rollout.model.lease import Claim, Holder

BEAT_S = 3.0
"""How often the host hears from us, in seconds; a quarter of what it waits."""
REGAIN_TIMEOUT_S = 60.0
"""How long a command waits for the lease to be ours again after a cut, in seconds."""
_END_S = 5.0


@contextmanager
def hold_lease(
    host: Host, layout: Layout, claim: Claim, *, wait_s: float, environment: str = "NAME"
) -> Generator[Lease]:
    """Hold the target's lease; it is free again when the block is left.

    Meanwhile the host's changing commands are run only while the lease is held.

    Args:
        host: The target's host.
        layout: Where the application lies there.
        claim: Who asks.
        wait_s: How long to wait for others, in seconds.
        environment: Whose target it is, for the commands that are told.

    Raises:
        LeaseHeld: When it did not become free in time.
        HeldBack: When a person keeps deploys back.
        Superseded: When a newer deploy came while this one waited.
        HostError: When the host cannot be used.
    """
    lease = Lease(host, layout, claim, environment)
    lease.take(wait_s)
    host.fence = lease
    try:
        yield lease
    finally:
        host.fence = None
        lease.give_back()


class Lease:
    """A lease that is taken, kept and given back; `Host` asks it before each change."""

    def __init__(self, host: Host, layout: Layout, claim: Claim, environment: str) -> None:
        self.claim = claim
        self.newer: Holder | None = None
        self._host = host
        self._layout = layout
        self._environment = environment
        self._stream: Stream | None = None
        self._lost_to: Holder | None = None
        self._held = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._keep,), daemon=True)

    def take(self, wait_s: float) -> None:
        """Wait for the lease, then keep it."""
        self._stream = self._ask("wait", wait_s)
        self._held.set()
        self._thread.start()

    def give_back(self) -> None:
        """Let others have it; what cannot be told to the host becomes true without that."""
        self._ending.set()
        # At the program's end the thread stops to read; one that is about to take the lease up
        # again leaves another program, which has to end as well.
        self._end_program()
        if self._thread.is_alive():
            self._thread.join(BEAT_S + _END_S)
        ended = self._end_program()
        if ended is not None:
            ended.exit_code(_END_S)

    def _end_program(self) -> Stream | None:
        stream = self._stream
        if stream is not None:
            stream.end()
        return stream

    def stand_aside(self) -> None:
        """End this run when a newer deploy waits; to be called before the first change.

        Raises:
            Superseded: When one waits.
        """
        if self.newer is not None:
            raise _superseded(self.newer)

    @property
    def folder(self) -> str:
        """Return where the lease lies on the host."""
        return self._layout.lease

    def assure(self) -> None:
        """See to it that the lease is held now, and that nothing of an earlier command goes on.

        To be called before facts are read that a change is decided from, and before a change that
        the host cannot fence, such as a migration.

        Raises:
            LeaseLost: When somebody else has it, or has had it.
            HostError: When the host cannot be asked.
        """
        self._host.run(Command(("true",)))

    def guard(self, command: Command) -> tuple[str, ...]:
        """Return the words that run a command only while this lease is held."""
        return fenced(command, self._layout, self.claim.token)

    def regained(self, exit_code: int) -> bool:
        """Return whether a command that was not run for want of the lease may be run now.

        Raises:
            LeaseLost: When somebody else has it, or has had it.
        """
        if exit_code not in (TAKEN, UNHELD):
            return False
        if exit_code == UNHELD:
            self._held.clear()
            self._held.wait(REGAIN_TIMEOUT_S)
        if exit_code == TAKEN or self._lost_to:
            raise _lost(self._lost_to)
        if not self._held.is_set():
            raise _not_regained(self._environment)
        return True

    def _keep(self) -> None:
        while not self._ending.is_set():
            try:
                self._beat()
            except HostError as error:
                if self._ending.is_set():
                    return
                self._held.clear()
                self._host.log(f"the lease is not heard of: {error.true}")
                self._regain()
            if self._lost_to is not None:
                return

    def _beat(self) -> None:
        stream = self._stream
        if stream is None or not self._held.is_set():
            raise OutcomeUnknown("the host says that nobody holds it", next_step="")
        stream.write("\n")
        until = time.monotonic() + BEAT_S
        while not self._ending.is_set() and (left_s := until - time.monotonic()) > 0:
            line = stream.read_line(min(left_s, 0.5))
            if line is not None:
                word, who = parse_said(line)
                self.newer = who if word == "newer" else self.newer

    def _regain(self) -> None:
        if self._ending.is_set():
            return
        try:
            self._stream = self._ask("resume", REGAIN_TIMEOUT_S)
        except LeaseLost as error:
            self._host.log(error.true)
            self._held.set()
        except HostError as error:
            self._stream = None
            self._host.close()
            self._host.log(f"the lease could not be taken up again yet: {error.true}")
            self._ending.wait(BEAT_S)
        else:
            self._held.set()
            self._host.log("the lease was taken up again; nobody else had it")

    def _ask(self, way: Way, wait_s: float) -> Stream:
        """Return the program that holds the lease, once it does."""
        command = take_command(self._layout, self.claim, way)
        stream = self._host.stream(command)
        until, holder = time.monotonic() + wait_s, None
        while (left_s := until - time.monotonic()) > 0:
            # A program that has ended may have said why: what it wrote is read all the same.
            with suppress(OutcomeUnknown):
                stream.write("\n")
            try:
                line = stream.read_line(min(left_s, BEAT_S))
            except OutcomeUnknown as error:
                raise _ended(command, stream, error) from error
            if line is None:
                continue
            word, who = parse_said(line)
            if word == "held":
                return stream
            holder = who
            self._judge(word, who)
        stream.end()
        told = _told(holder, f"was not free within {wait_s:.0f} s")
        raise LeaseHeld(told, next_step=_wait_for(holder, self._environment))

    def _judge(self, word: str, who: Holder | None) -> None:
        """Raise what an answer other than `held` means; `busy` means to go on waiting."""
        if word == "busy" and who is not None:
            self._host.log(f"waits for the target: {who.describe()} {who.link}".rstrip())
        elif word == "on-hold":
            raise HeldBack(_told(who, "is held back"), next_step=_release(self._environment))
        elif word == "superseded" and who is not None:
            raise _superseded(who)
        elif word == "lost":
            self._lost_to = who
            raise _lost(who)


def _ended(command: Command, stream: Stream, error: OutcomeUnknown) -> HostError:
    """Return what the end of the program that should hold the lease means."""
    meaning = command.meanings.get(stream.exit_code(1.0) or 0)
    if not meaning:
        return error
    return HostError(
        f"the target's lease cannot be had: {meaning}",
        next_step="Log in to the host and see to that, then start the run again.",
    )


def _told(who: Holder | None, how: str) -> str:
    by = who.describe() if who else "somebody who does not say who"
    return f"the target {how}: it is held by {by}"


def _wait_for(who: Holder | None, environment: str) -> str:
    if who and who.link:
        return f"Look at {who.link} and wait for it to end."
    return _release(environment)


def _release(environment: str) -> str:
    return (
        f"Ask them, or let deploys go on with `bin/release-hold --environment {environment}`; "
        "then start this run again."
    )


def _lost(who: Holder | None) -> LeaseLost:
    by = who.describe() if who else "somebody else"
    return LeaseLost(
        f"this run no longer has the right to change the target: {by} took it",
        left="The command was not run; the new owner reads what was done before.",
        next_step="Watch the new owner's run; start this one again only if it is still wanted.",
    )


def _not_regained(environment: str) -> LeaseLost:
    return LeaseLost(
        f"the connection was cut, and the lease could not be taken up again in "
        f"{REGAIN_TIMEOUT_S:.0f} s",
        left="The command was not run; whether an earlier one still goes on is unknown.",
        next_step=f"Look whether the host is reached (bin/doctor --environment {environment}), "
        "then start the run again.",
    )


def _superseded(newer: Holder) -> Superseded:
    return Superseded(
        f"a newer deploy takes this one's place: {newer.owner}",
        left="This try has changed nothing on the target; `bin/releases` says what an earlier one "
        "of the same run left.",
        next_step=f"Follow the newer one at {newer.link or 'its run'}. Where that has failed, "
        "deploy this commit as a new run.",
    )
