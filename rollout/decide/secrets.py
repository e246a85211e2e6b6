"""Decides about secrets: what a rotation makes of a release, and whether an earlier one may serve.

A release keeps the numbers of the versions that it was made with, and its own `.env`. So an earlier
one serves again with its own secrets, and not with a mixture that nobody ever saw serving.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.decide.releases import releases_on, serving_release
from rollout.model import layout as names
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.layout import release_number, release_service
from rollout.render.compose import users_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from rollout.config import Application, Environment
    from rollout.ledger import LedgerState
    from rollout.model.finding import Verdict
    from rollout.model.host import HostFacts
    from rollout.model.release import Release
    from rollout.model.secrets import Unusable

SECRET_MANAGER = "Secret Manager"  # noqa: S105 - its name


def renew(
    former: Release,
    versions: Mapping[str, str],
    *,
    created_at: str,
    actor: str,
    reason: str,
    run_id: str,
) -> Release:
    """Return the draft of a release with the same code and other secrets; its number is open yet.

    Args:
        former: The release that it is made from.
        versions: Secret name to the version number that it is made with.
        created_at: ISO 8601, UTC.
        actor: Who asked; empty where nobody said.
        reason: Why; empty takes the names of the secrets that differ.
        run_id: The Prefect flow run.
    """
    return replace(
        former,
        created_at=created_at,
        actor=actor,
        reason=reason or describe_rotation(former, versions),
        run_id=run_id,
        secret_versions=dict(versions),
        files={},
        restores=None,
    )


def describe_rotation(former: Release, versions: Mapping[str, str]) -> str:
    """Return which secrets differ from those that a release was made with, by version number."""
    known = former.secret_versions
    told = [
        f"{name} {known.get(name, 'none')} -> {versions.get(name, 'none')}"
        for name in sorted({*known, *versions})
        if known.get(name) != versions.get(name)
    ]
    return f"secrets: {', '.join(told)}" if told else "secrets: the same versions, written anew"


def release_to_renew(facts: HostFacts, service: str) -> Release | Refuse:
    """Return the release that serves, whose secrets a rotation renews, or why there is none.

    Args:
        facts: What was read of the host.
        service: The compose service that is switched.
    """
    number = serving_release(facts, service)
    serving = next((one for one in releases_on(facts) if one.number == number), None)
    return serving or Refuse(
        (
            Finding(
                "no-release",
                "no release of ours serves, so there is none to give new secrets",
                "the host",
                "Deploy a commit; it takes the newest secrets.",
            ),
        )
    )


def judge_rotation(
    facts: HostFacts, former: Release, versions: Mapping[str, str], settings: Environment
) -> Go:
    """Return what people should know of a rotation: who is started anew because of it.

    Args:
        facts: What was read of the host.
        former: The release that serves.
        versions: Secret name to the version number that it is renewed with.
        settings: The environment, which says what variable a secret is and who the proxy is.
    """
    changed = [
        variable
        for variable, name in settings.secrets.items()
        if former.secret_versions.get(name) != versions.get(name)
    ]
    proxy = settings.application.proxy
    if proxy not in users_of(facts.compose, changed):
        return Go()
    return Go(
        (
            Finding(
                "secret-in-proxy",
                f"{proxy} uses a secret that changed and is started anew: requests of that moment "
                "are lost",
                "the host's compose file",
                "Let the application use the secret, and not the proxy; or rotate at a quiet hour.",
            ),
        )
    )


def is_renewed(former: Release, release: Release, run_id: str, ledger: LedgerState) -> bool:
    """Return whether there is nothing to do: what serves has these secrets, and was seen to serve.

    A run that was killed after its own activation goes on, and so does one that finds what another
    run made serve and nobody has verified yet.

    Args:
        former: The release that serves.
        release: The one that shall serve with the newest secrets.
        run_id: The Prefect flow run.
        ledger: What the host's history says.
    """
    seen = ledger.stage(former.number) == "verified"
    return release.number == former.number and former.run_id != run_id and seen


def has_environment(facts: HostFacts, release: Release) -> bool:
    """Return whether the host still has the environment file of a release."""
    return f"releases/{release.number}/{names.ENV}" in facts.files


def judge_recorded(release: Release, unusable: Mapping[str, Unusable]) -> Verdict:
    """Return whether an earlier release may serve again with the secrets that it was made with.

    A version that somebody took away since was taken away for a reason, as a rule because its key
    is revoked. One that only cannot be read by us is a warning: the host has the file.

    Args:
        release: The earlier release.
        unusable: Which of its recorded versions cannot be used, by name.
    """
    findings = {name: _finding(release, one) for name, one in unusable.items()}
    withdrawn = tuple(findings[name] for name, one in unusable.items() if one.withdrawn)
    return Refuse(withdrawn) if withdrawn else Go(tuple(findings.values()))


def _finding(release: Release, secret: Unusable) -> Finding:
    version = release.secret_versions.get(secret.name, "none")
    return Finding(
        "secret-version",
        f"version {version} of {secret.name}, which release {release.number} was made with, "
        f"cannot be used: it {secret.why}",
        SECRET_MANAGER,
        f"Enable version {version} of {secret.name} again, or roll back with secrets=newest, which "
        "gives that release the newest version of every secret.",
    )


def unreadable_around(
    facts: HostFacts, unreadable: Set[str], application: Application
) -> frozenset[str]:
    """Return the services whose secrets can no longer be read, with those around the releases.

    What surrounds the releases was started with the secrets of the one that serves, of the current
    one, or of the newest, which was to serve.

    Args:
        facts: What was read of the host.
        unreadable: The releases' services of which a secret can no longer be read.
        application: The environment's application.
    """
    service = application.service
    numbers = (facts.current, max(facts.releases, default=None))
    started_with = {facts.live, *(release_service(service, one) for one in numbers if one)}
    if not started_with & unreadable:
        return frozenset(unreadable)
    others = {one.service for one in facts.containers}
    around = {one for one in others if release_number(service, one) is None}
    return frozenset({*unreadable, *around, application.proxy})
