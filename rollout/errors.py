"""Every error that the domain raises, as one tree.

A message has three parts, each in its own words: what is true, what state was left, and what to do
next. The caller prints it as it is; nobody matches on its text.

    RolloutError
      ConfigInvalid
      Refused               a verdict said no; nothing was changed
        RollbackRefused
      QualityFailed         a check of the application's own failed
      CommandFailed         a program ended with a status other than zero
        CommandTimedOut
      HostError
        HostUnreachable
          TunnelFailed      the way to it did not come about, and said why
        TunnelRefused       that way is not for who asks
        HostKeyChanged
        HostKeyUnknown      Google does not say which key the host has
          HostKeyUnavailable  it cannot be asked now
        HostLoginRefused
        OutcomeUnknown      the connection was cut; the remote command may go on
        HostsBehind         some hosts of a target cannot be brought to a release
        LeaseHeld           somebody else has the right to change the target
          HeldBack          a person keeps deploys back
        LeaseLost           somebody else has it by now
        LedgerCorrupt       the host's history cannot be trusted
      SourceUnavailable     the repository cannot be read
      PushRefused           the repository does not take a branch
      GitHubError
        GitHubUnavailable   it does not answer, or asks us to wait
        GitHubRefused       it answers that the request cannot be
      EngineError           the Docker engine that the worker builds with cannot be used
      BuildFailed
      RegistryError
        RegistryRefused     login refused
      SecretUnusable        missing, disabled, empty or forbidden
      SecretStoreUnavailable
        SecretStoreRefused  Google does not take the login that asks
      DatabaseError
        DatabaseUnreachable
        DatabaseProxyRefused  Google does not let the proxy to it
        DatabaseLocked      somebody else holds what a statement needs
        AlreadyMigrating    another session has the right to migrate
        MigrationFailed
          MigrationUnfinished  the same file may go on, once something is out of its way
        ScratchUnusable     migrations cannot be tried on a copy first
          ScratchUnreachable  nobody answers at the scratch server
          ScratchForbidden  its user may not do what that takes
          NoPgDump          nothing can write out the live schema
      AlertsUnavailable     the monitoring does not say what is wrong
      BackupFailed          the backup before data is destroyed did not come about
        BackupRefused       Google does not make it
        BackupLate          it has not ended within its time
        BackupUnavailable   Google cannot be asked for it, or not that often
      ActivationFailed
      VerificationFailed
      Superseded            a newer deploy waits, and this one has changed nothing
      CancelAsked           the run was cancelled, and has changed nothing
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.model.command import Result
    from rollout.model.diagnosis import Diagnosis
    from rollout.model.finding import Finding
    from rollout.model.seen import CheckSeen, Evidence

TAIL_LINES = 10
NOTHING_CHANGED = "Nothing was changed."
HELD, ROLLED_BACK = "Held", "RolledBack"
"""Names of the ends that somebody must be able to tell from any other failure."""


class RolloutError(Exception):
    """Base of all errors that a run may end with.

    Args:
        true: What is true, as a lower-case fragment without a final period.
        left: What state was left, as full sentences; empty means that nothing was changed.
        next_step: What to do now, as full sentences.
        cause: Why, as a lower-case fragment, once that was looked into; empty before.
    """

    retry_safe: ClassVar[bool] = False
    """Whether Prefect may run the failed task again by itself."""

    seen_then: Evidence | None = None
    """What was seen before anything was taken back; None when nobody looked yet."""

    is_kept: bool = False
    """Whether what it refuses serves still on the host that it is about, of several."""

    ends: str = ""
    """Name of the failed state that a flow ends in by it; empty for the usual one."""

    def __init__(
        self, true: str, *, left: str = NOTHING_CHANGED, next_step: str, cause: str = ""
    ) -> None:
        why = f"\ncause: {cause}" if cause else ""
        super().__init__(f"{true}{why}\nleft: {left}\nnext: {next_step}")
        self.true = true
        self.left = left
        self.next_step = next_step
        self.cause = cause

    def leaving(self, left: str, *, ends: str = "") -> RolloutError:
        """Return the same error with another account of the state that was left.

        Args:
            left: What state was left, as full sentences.
            ends: Name of the failed state that the flow ends in; empty keeps the error's own.
        """
        named = {"ends": ends} if ends else {}
        return _again(type(self), {**self.__dict__, "left": left, **named})

    def on(self, host: str) -> RolloutError:
        """Return the same error with the host that it is about, of several, before what is true."""
        told: dict[str, Any] = {"true": f"{host}: {self.true}"}
        seen = self.seen_then
        if seen is not None:
            told["seen_then"] = replace(seen, true=f"{host}: {seen.true}")
        return _again(type(self), {**self.__dict__, **told})

    def explained(self, diagnosis: Diagnosis) -> RolloutError:
        """Return the same error with why it came to that, and what follows from it.

        What was seen stays behind: it is published by itself. What the error itself advises comes
        first, and the commands of the diagnosis after it.
        """
        told = {
            "true": diagnosis.true,
            "cause": diagnosis.why,
            "left": " ".join(filter(None, (diagnosis.left, diagnosis.impact))),
            "next_step": _both(self.next_step, diagnosis),
            "seen_then": None,
        }
        return _again(type(self), {**self.__dict__, **told})

    def __reduce__(self) -> tuple[Callable[..., RolloutError], tuple[object, ...]]:
        """Let the error survive Prefect's storage, whatever a subclass's constructor takes."""
        return _again, (type(self), self.__dict__)


class ConfigInvalid(RolloutError):
    """Raised when a file, a block or a parameter does not say what it must."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}", next_step=f"Correct {path} and start the run again.")
        self.path = path
        self.problem = problem


class Refused(RolloutError):
    """Raised when a verdict says no, with the findings that say why."""

    def __init__(self, what: str, findings: tuple[Finding, ...]) -> None:
        told = "; ".join(f"{finding.consequence} ({finding.where})" for finding in findings)
        super().__init__(
            f"{what} refused: {told}",
            next_step=in_turn(*(finding.help for finding in findings)),
        )
        self.findings = findings


class RollbackRefused(Refused):
    """Raised when no release fits what a rollback asked for."""


class CommandFailed(RolloutError):
    """Raised when a command ended with a status other than zero; carries its `Result`.

    Args:
        what: What failed, as a lower-case fragment.
        result: What the command answered.
        left: What state was left.
        next_step: What to do now.
        seen: What was read where it failed, before anything was taken back; empty for nothing.
        looked: What the commands answered that read that.
    """

    def __init__(
        self,
        what: str,
        result: Result,
        *,
        left: str = NOTHING_CHANGED,
        next_step: str,
        seen: str = "",
        looked: tuple[Result, ...] = (),
    ) -> None:
        told = "\n".join(filter(None, (f"{what}: {evidence(result)}", seen)))
        super().__init__(told, left=left, next_step=next_step)
        self.result = result
        self.looked = looked


class CommandTimedOut(CommandFailed):
    """Raised when a command did not end within its limit and was stopped."""


class QualityFailed(RolloutError):
    """Raised when one of the application's own checks failed; `checks` are those."""

    checks: tuple[CheckSeen, ...] = ()


class HostError(RolloutError):
    """Raised when the host cannot be used."""


class HostUnreachable(HostError):
    """Raised when no SSH session could be opened; nothing was run on the host."""

    retry_safe: ClassVar[bool] = True


class TunnelFailed(HostUnreachable):
    """Raised when the tunnel that leads to the host said why it is none; nothing was run there."""


class TunnelRefused(HostError):
    """Raised when the tunnel's program is not logged in, or may not reach the host."""


class HostKeyChanged(HostError):
    """Raised when the host shows another key than the pinned one."""


class HostKeyUnknown(HostError):
    """Raised when Google does not say which key the host has; nothing was sent to the host."""

    http_status: int | None = None
    """What Google answered; None when it did not, or when the host has told no key."""


class HostKeyUnavailable(HostKeyUnknown):
    """Raised when Google cannot be asked now for the host's key."""

    retry_safe: ClassVar[bool] = True


class HostLoginRefused(HostError):
    """Raised when the host does not accept the block's private key."""


class OutcomeUnknown(HostError):
    """Raised when the connection was cut while a command ran: it may go on, or be done.

    A task that reads the facts first may run again by itself: whoever takes the lease again ends
    what the command may still be doing.
    """

    retry_safe: ClassVar[bool] = True


class HostsBehind(HostError):
    """Raised when some hosts of a target cannot be brought to a release, before it or after."""


class LeaseHeld(HostError):
    """Raised when somebody else has the right to change the target, or holds deploys back."""


class HeldBack(LeaseHeld):
    """Raised when a run may not begin because a person keeps deploys back."""

    ends = HELD


class LeaseLost(HostError):
    """Raised when a command was not run because somebody else has the lease by now."""


class LedgerCorrupt(HostError):
    """Raised when a line of the host's ledger is no entry, or cannot follow the ones before."""

    def __init__(self, line_number: int, problem: str) -> None:
        super().__init__(
            f"ledger.jsonl, line {line_number}: {problem}",
            next_step="Keep a copy of the file on the host, and take the line out: "
            "docs/recover.md, The ledger cannot be read, says how.",
        )
        self.line_number = line_number
        self.problem = problem


class SourceUnavailable(RolloutError):
    """Raised when the application's repository cannot be read."""

    retry_safe: ClassVar[bool] = True


class PushRefused(RolloutError):
    """Raised when the application's repository does not take a branch.

    Attributes:
        in_the_way: The branch that stands where it would be; empty when none does.
    """

    in_the_way: str = ""


class GitHubError(RolloutError):
    """Raised when GitHub's API cannot be used.

    Attributes:
        status: The status code that it answered; None when it did not answer as it should.
    """

    status: int | None = None


class GitHubUnavailable(GitHubError):
    """Raised when GitHub does not answer, or says that we are to wait."""

    retry_safe: ClassVar[bool] = True


class GitHubRefused(GitHubError):
    """Raised when GitHub refuses a request; `status` is HTTP's.

    Args:
        true: What is true, as a lower-case fragment.
        status: The status code.
        left: What state was left.
        next_step: What to do now.
    """

    def __init__(self, true: str, status: int, *, left: str, next_step: str) -> None:
        super().__init__(true, left=left, next_step=next_step)
        self.status = status


class EngineError(RolloutError):
    """Raised when the Docker engine on the worker's side cannot be used."""


class BuildFailed(RolloutError):
    """Raised when the image could not be built or pushed.

    Attributes:
        stage: Where: `prepare`, `build` or `push`.
        words: Of `prepare`, the words of the command that failed; empty for the others.
        lines: The last lines that were written.
        missing_arguments: Build arguments that the Dockerfile names without a default and that
            the build was not given.
    """

    stage: str = ""
    words: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    missing_arguments: tuple[str, ...] = ()


class RegistryError(RolloutError):
    """Raised when the registry answers what it should not, or not at all."""

    retry_safe: ClassVar[bool] = True

    http_status: int | None = None
    """What it answered; None when it did not."""


class RegistryRefused(RegistryError):
    """Raised when the registry refuses the login."""

    retry_safe: ClassVar[bool] = False


class SecretUnusable(RolloutError):
    """Raised when a required secret is missing, disabled, empty or forbidden."""

    unusable: tuple[tuple[str, str], ...] = ()
    """Each name with why: `missing`, `disabled`, `destroyed`, `forbidden`, `empty`..."""


class SecretStoreUnavailable(RolloutError):
    """Raised when Secret Manager cannot be reached."""

    retry_safe: ClassVar[bool] = True


class SecretStoreRefused(SecretStoreUnavailable):
    """Raised when Google does not take the login: it has expired, or was withdrawn."""

    retry_safe: ClassVar[bool] = False


class DatabaseError(RolloutError):
    """Raised when the application's database cannot be used."""

    sqlstate: str = ""
    """The server's own code; empty when it said none."""


class DatabaseUnreachable(DatabaseError):
    """Raised when no connection comes about, or an open one was cut."""

    retry_safe: ClassVar[bool] = True


class DatabaseProxyRefused(DatabaseError):
    """Raised when Google does not let the database's proxy through: its login, rights or name."""


class DatabaseLocked(DatabaseError):
    """Raised when another session holds what a statement needs, through all tries.

    Not tried again by Prefect: the tries are bounded in number and time, and a task that began anew
    would begin those anew too.
    """


class AlreadyMigrating(DatabaseError):
    """Raised when another session has the right to migrate this database.

    It is not waited for, so trying again is cheap; and it may be our own, cut off a moment ago,
    which the server has not noticed yet.
    """

    retry_safe: ClassVar[bool] = True


class MigrationFailed(DatabaseError):
    """Raised when a migration failed; what is left of it is said, and the next run knows it too."""


class MigrationUnfinished(MigrationFailed):
    """Raised when Retry goes on with it, once what its next step names is out of the way."""


class ScratchUnusable(DatabaseError):
    """Raised when there is no scratch copy of the live schema to try migrations on."""


class ScratchUnreachable(ScratchUnusable):
    """Raised when nobody answers at the scratch server, or the connection to it was cut."""

    retry_safe: ClassVar[bool] = True


class ScratchForbidden(ScratchUnusable):
    """Raised when the scratch server does not let its user in, or not do what a copy takes."""


class NoPgDump(ScratchUnusable):
    """Raised when there is no `pg_dump`, or none that is as new as the live server."""


class AlertsUnavailable(RolloutError):
    """Raised when Cloud Monitoring cannot be asked for alerts, or does not let us ask."""


class BackupFailed(RolloutError):
    """Raised when the backup before data is destroyed did not come about; nothing was applied."""

    http_status: int | None = None
    """What Google answered instead; None when it did not refuse."""


class BackupRefused(BackupFailed):
    """Raised when Google refuses to make a backup, or to say how one goes."""


class BackupLate(BackupFailed):
    """Raised when a backup has not ended within its time; it goes on by itself."""


class BackupUnavailable(BackupFailed):
    """Raised when Google cannot be asked for a backup now, or for how one goes."""

    retry_safe: ClassVar[bool] = True


class ActivationFailed(RolloutError):
    """Raised when the new release did not come to serve; the former one still does."""


class VerificationFailed(RolloutError):
    """Raised when the release was not seen serving from outside at its own version."""

    findings: tuple[Finding, ...] = ()
    """What was not as it should be; empty when something could not be looked at."""


class Superseded(RolloutError):
    """Raised when a newer deploy waits and this one has changed nothing on the target."""


class CancelAsked(RolloutError):
    """Raised when the run was cancelled before it changed anything on the target."""


def _again(kind: type[RolloutError], fields: dict[str, Any]) -> RolloutError:
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    RolloutError.__init__(
        error,
        error.true,
        left=error.left,
        next_step=error.next_step,
        cause=fields.get("cause", ""),
    )
    return error


def _both(next_step: str, diagnosis: Diagnosis) -> str:
    """Return the error's own advice with the diagnosis's, each sentence once."""
    known = diagnosis.what_now
    return known if next_step in known else in_turn(next_step, known)


def in_turn(*advice: str) -> str:
    r"""Return pieces of advice one after the other; after one of several lines comes a new line.

    Its last line is there to be pasted: whatever followed on it would be typed as well.

    Args:
        advice: Sentences, some with lines to paste below them; empty ones count for nothing.

    Example:
        >>> in_turn("Look.", "Type this:\n  git fetch", "", "Retry.")
        'Look. Type this:\n  git fetch\nRetry.'
    """
    ended = (f"{one}\n" if "\n" in one else f"{one} " for one in advice if one)
    return "".join(ended).rstrip()


def evidence(result: Result) -> str:
    """Return what a failed command leaves behind, fit for a message.

    Args:
        result: The failed command's result; secrets are masked by its `display`.

    Returns:
        The command line, its exit status and the last lines of both streams, where an empty
        stream reads `nothing written`.
    """
    streams = (("stdout", result.stdout), ("stderr", result.stderr))
    tails = "\n".join(f"  {name}: {_tail(text)}" for name, text in streams)
    return f"`{result.command.display()}` ended with exit status {result.exit_code}\n{tails}"


def _tail(text: str) -> str:
    lines = text.rstrip().splitlines()[-TAIL_LINES:]
    return "\n          ".join(lines) if lines else "nothing written"
