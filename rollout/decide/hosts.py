"""Decides how a release goes from the first host of a target to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.host import checksum
from rollout.decide.releases import release_on, says_the_same
from rollout.decide.secrets import has_environment
from rollout.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    HostLoginRefused,
    HostsBehind,
    HostUnreachable,
    OutcomeUnknown,
    TunnelRefused,
)
from rollout.model.activation import Return
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.hosts import HostResult
from rollout.model.layout import ENV

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rollout.config import Environment
    from rollout.errors import RolloutError
    from rollout.hosts import Hosts
    from rollout.model.host import HostFacts
    from rollout.model.hosts import HostsSeen
    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release, Version

BEHIND = "hosts-behind"
"""The name by which a deploy takes migrations upon itself while a host serves other code."""
_LOST = (
    HostKeyChanged,
    HostKeyUnknown,
    HostLoginRefused,
    HostUnreachable,
    OutcomeUnknown,
    TunnelRefused,
)


def batches_of(hosts: Hosts) -> tuple[tuple[str, ...], ...]:
    """Return the further hosts in the order in which they are switched, those of a batch together.

    A share is one of all hosts, the first among them, and is rounded up.

    Example:
        >>> from rollout.hosts import Hosts
        >>> batches_of(Hosts(further=("b", "c", "d"), batch=2))
        (('b', 'c'), ('d',))
        >>> batches_of(Hosts(further=("b", "c", "d"), batch="75%"))
        (('b', 'c', 'd'),)
    """
    further = hosts.further
    size = hosts.batch
    if isinstance(size, str):
        size = -(-int(size.removesuffix("%")) * (len(further) + 1) // 100)
    return tuple(further[start : start + size] for start in range(0, len(further), size))


def at_host(settings: Environment, block: str, address: str) -> Environment:
    """Return an environment as if it were one of its hosts: reached and asked there.

    Args:
        settings: The environment.
        block: The host's block.
        address: The host's name or address.
    """
    hosts, verify = settings.hosts, settings.verify
    dialled = f"[{address}]" if ":" in address else address
    asked = {"url": hosts.url or verify.url, "address": dialled}
    return settings.model_copy(
        update={
            "blocks": settings.blocks.model_copy(update={"target_host": block}),
            "verify": verify.model_copy(update=asked),
        }
    )


def lacks(facts: HostFacts, release: Release) -> bool | Refuse:
    """Return whether a further host lacks files of a release; a refusal where it has another one.

    Args:
        facts: What was read of the host.
        release: What shall serve there.
    """
    known = release_on(facts, release.number)
    if known is None:
        return True
    if says_the_same(known, release):
        return not has_environment(facts, release)
    told = f"release {known.number} is another one there, of {known.version.short}"
    help_ = "Deploy the version anew: it gets a number that no host has given."
    return Refuse((Finding("number-taken", told, "the host's releases", help_),))


def judge_environment(facts: HostFacts, release: Release, files: Sequence[RemoteFile]) -> Verdict:
    """Return whether a release's files, made anew, have the `.env` that the first host has.

    That file is never read back, so it is made from today's settings and list of secrets; a release
    that lies on one host never becomes another one on the next.

    Args:
        facts: What was read of the first host; one that lost the file has nothing to compare.
        release: What serves there.
        files: What another host would get.
    """
    written = facts.files.get(f"releases/{release.number}/{ENV}")
    made = next((checksum(one) for one in files if one.path.rpartition("/")[2] == ENV), written)
    if written is None or made == written:
        return Go()
    told = f"[settings] or [secrets] say another .env now than release {release.number} has"
    help_ = "Put them back, take that host out of [hosts], or deploy the version anew with these."
    return Refuse((Finding("settings-changed", told, "the environment's file", help_),))


def is_lost(error: RolloutError) -> bool:
    """Return whether an error says that a host was not reached, and nothing about a release."""
    return isinstance(error, _LOST)


def judge_level(
    seen: HostsSeen, deployed: Version | None, pending: Sequence[str], accept: Collection[str]
) -> Verdict:
    """Return whether migrations may be applied: not while a host serves other code than the first.

    They are judged by the code that serves on the first host; other code may break by them.

    Args:
        seen: What the further hosts serve.
        deployed: What the first host serves; None before its first release.
        pending: Tags of the migrations that would be applied; none lets everything pass.
        accept: What the request takes upon itself.
    """
    other = [block for block, version in seen.versions if deployed and version != deployed.sha]
    if not other or not pending or deployed is None:
        return Go()
    told = f"{', '.join(other)} serves other code than the first host, and migrations are pending"
    help_ = f"Deploy {deployed.short} first, which the first host serves, or accept {BEHIND}."
    finding = Finding(BEHIND, told, "the target's hosts", help_)
    return Go((finding,)) if BEHIND in accept else Refuse((finding,))


def unreached(seen: HostsSeen) -> HostsBehind:
    """Return why nothing is begun on a target of which hosts cannot be reached."""
    names = ", ".join(block for block, _ in seen.unreached)
    return HostsBehind(
        f"hosts of the target cannot be reached: {'; '.join(why for _, why in seen.unreached)}",
        next_step=f"See to {names}, or take that out of [hosts], then start the run again.",
    )


def on_canary(error: RolloutError, block: str) -> RolloutError:
    """Return an error of the first host's turn as one of a target of several hosts.

    Args:
        error: What its turn ended by; what it says was left is about that host.
        block: The first host's block.
    """
    told = error.on(block)
    return told.leaving(f"{told.left} No other host was touched by this try.")


def result_of(block: str, error: RolloutError) -> HostResult:
    """Return what an error makes of a host: one that is not reached says nothing of a release."""
    refused = "kept" if error.is_kept else "refused"
    outcome = "lost" if is_lost(error) else refused
    true = error.true.splitlines()[0].removeprefix(f"{block}: ")
    return HostResult(block, outcome, f"{true}. {error.left}")


def goes_back(results: Sequence[HostResult], hosts: Hosts) -> bool:
    """Return whether the hosts that were switched go back because of what came of others."""
    refused = any(one.outcome in ("refused", "kept") for one in results)
    return refused and hosts.on_failure == "all"


def behind(release: Release, results: Sequence[HostResult], url: str) -> HostsBehind | None:
    """Return why a target is not wholly at a release that serves; None when it is.

    Args:
        release: What serves.
        results: What came of it on the further hosts.
        url: The public address.
    """
    missing = [one for one in results if not one.serves]
    if not missing:
        return None
    names = ", ".join(one.block for one in missing)
    told = "; ".join(f"{one.block}: {one.told}" for one in missing)
    return HostsBehind(
        f"release {release.number} ({release.version.short}) serves at {url}, but not on every "
        f"host of the target: {names}",
        left=f"It serves on {len(results) + 1 - len(missing)} of {len(results) + 1} hosts. {told}",
        next_step=f"See to {names}, or take that out of [hosts]. Then retry the run that brought "
        "the release here, or deploy its version: hosts that serve it are left as they are.",
    )


def nowhere_to_go(release: Release) -> Return:
    """Return what going back comes to where a release was well before, or is the first one."""
    return Return(
        f"Release {release.number} is left as it is on the hosts that serve it: "
        "there is no earlier one to go back to."
    )


def returned_all(first: Return, results: Sequence[HostResult]) -> Return:
    """Return what came of going back on all hosts of a target.

    Args:
        first: What came of it on the first one.
        results: What the others came to; those that never had the release are not told.
    """
    told = [first.told]
    told += [f"{one.block}: {one.told}" for one in results if one.told]
    back = first.serves and all(one.outcome in ("returned", "refused") for one in results)
    return Return(" ".join(told), serves=back)
