"""promote: from a release that is verified elsewhere to one that may be put here, by its digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from blocks import load_artifact_registry, load_target_host
from rollout.decide.image import image_tag
from rollout.decide.promote import (
    choose_promoted,
    judge_answer,
    judge_image,
    judge_promoted,
    judge_prospect,
)
from rollout.errors import ConfigInvalid, Refused
from rollout.executors.files import read_environment
from rollout.executors.registry import Registry
from rollout.model.finding import Refuse, Verdict
from rollout.model.host import HostFacts
from rollout.model.promotion import Promoted, Prospect
from rollout.model.release import Image
from rollout.render.promotion import render_promotion
from tasks.ask import Question, ask
from tasks.diagnose import explaining
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.target import bootstrap_plan, reach, read, tell

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.promotion import Promotion


@task(
    name="promote: choose",
    task_run_name="promote: choose",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def choose_release(release: str, environment: str) -> Promoted:
    """Return the release that is promoted, as the host that verified it knows it.

    Args:
        release: Its number or commit there; empty takes the one that serves there.
        environment: The environment that it shall go to.

    Raises:
        ConfigInvalid: When the environment's file does not say where releases come from.
        Refused: When there is no such release, or it is not a verified one.
        HostError: When the host cannot be read.
    """
    name = promotion_of(read_environment(environment)).source
    source = read_environment(name)
    # A connection of its own: the one that a run keeps leads to the host that is changed.
    with load_target_host(source.blocks.target_host).executor(log=tell) as host:
        chosen = choose_promoted(_facts(host, source), name, release, source.application.service)
    if isinstance(chosen, Refuse):
        raise Refused(f"promotion to {environment}", chosen.findings)
    tell(f"{chosen.told}: {chosen.image.reference}")
    return chosen


@task(
    name="promote: image",
    task_run_name="promote: image",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def find_image(promoted: Promoted, environment: str) -> Image:
    """Return the image that was verified, as the environment's own registry has it.

    Args:
        promoted: What is promoted.
        environment: The environment that it shall go to.

    Raises:
        Refused: When another run has made it serve, or the registry has another image, or none.
        RegistryRefused: When the login is refused.
        HostError: When the host cannot be read.
    """
    settings = read_environment(environment)
    what = f"promotion to {environment}"
    with reach(settings) as host:
        facts = _facts(host, settings)
    asked = environment, settings.application.service, str(flow_run.id)
    _demand(what, judge_promoted(facts, promoted, *asked))
    login = load_artifact_registry(settings.blocks.artifact_registry).login()
    digest = Registry(login).digest(settings.build.image, image_tag(promoted.version))
    repository = login.repository(settings.build.image)
    _demand(what, judge_image(promoted, repository, digest))
    return Image(repository, promoted.image.digest)


def choose(release: str, environment: str) -> Promoted:
    """Return what `choose_release` chooses; for flows.

    What goes wrong is explained by the environment that the release comes from.
    """
    with explaining(promotion_of(read_environment(environment)).source):
        return choose_release(release, environment)


def asks(environment: str) -> bool:
    """Return whether a person has to approve what is promoted to an environment."""
    return promotion_of(read_environment(environment)).approval


def approve(promoted: Promoted, prospect: Prospect, environment: str) -> str:
    """Return who approved a promotion and why, once somebody has; for flows.

    What would be changed is shown before, in the question and as an artifact, and the answer after.

    Args:
        promoted: What is promoted.
        prospect: What that changes.
        environment: The environment that it goes to.

    Raises:
        Refused: When somebody says no, nobody answers in time, or nobody can be asked.
    """
    promotion = promotion_of(read_environment(environment))
    known = render_promotion(promoted, prospect, environment)
    _publish(known, f"what {promoted.told} would change in {environment}")
    shall = f"Shall {promoted.told} go to {environment}?"
    question = Question(
        shall,
        f"{known}\n{shall} `refuse` changes nothing.",
        "it is not promoted, and nothing is changed",
    )
    answer = ask(question, promotion.approval_timeout_s, "refuse")
    told = f"{answer.verdict}: {answer.told}"
    _publish(render_promotion(promoted, prospect, environment, told), f"{environment}: {told}")
    _demand(f"promotion to {environment}", judge_answer(answer.verdict, answer.told, environment))
    return answer.told


def demand_approved(approved: Prospect | None, found: Prospect, environment: str) -> None:
    """See to it that what would be done is what somebody has approved, where somebody was asked.

    Raises:
        Refused: When it became another one meanwhile.
    """
    _demand(f"promotion to {environment}", judge_prospect(approved, found))


def promotion_of(settings: Environment) -> Promotion:
    """Return where an environment's releases come from.

    Raises:
        ConfigInvalid: When its file does not say so.
    """
    if settings.promotion is None:
        path = f"deployments/{settings.name}.toml"
        raise ConfigInvalid(path, "has no [promotion], so nothing says where releases come from")
    return settings.promotion


def _facts(host: Host, settings: Environment) -> HostFacts:
    """Return what a host has; nothing where none of ours was ever put on it."""
    if not bootstrap_plan(host, settings.application).is_empty:
        return HostFacts()
    return read(host, settings.application)


def _publish(markdown: str, description: str) -> None:
    create_markdown_artifact(key="promotion", markdown=markdown, description=description)


def _demand(what: str, verdict: Verdict) -> None:
    if isinstance(verdict, Refuse):
        for finding in verdict.findings:
            get_run_logger().warning("%s: %s", finding.rule, finding.consequence)
        raise Refused(what, verdict.findings)
